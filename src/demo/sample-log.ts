// A web server's error log as one finds it in the wild. Made from a fixed table, so that every demo counts the same errors.

const faults: [string, string, number][] = [
  [
    "error",
    'connect() failed (111: Connection refused) while connecting to upstream, upstream: "http://127.0.0.1:8080/"',
    41,
  ],
  ["error", 'open() "/var/www/shop/favicon.ico" failed (2: No such file or directory)', 23],
  ["warn", "an upstream response is buffered to a temporary file", 17],
  ["error", "upstream timed out (110: Connection timed out) while reading response header from upstream", 9],
  ["crit", "SSL_do_handshake() failed (SSL: error:0A00006C) while SSL handshaking", 4],
  ["error", "client intended to send too large body: 20971520 bytes", 3],
  ["alert", "open socket #13 left in connection 5", 1],
];

/** Lines of the log, oldest first. */
export function sampleLog(): string {
  const kinds = faults.flatMap(([level, text, count]) => Array.from({ length: count }, () => ({ level, text })));
  // 61 and the number of lines have no common factor: the kinds mix, the same way each time.
  const mixed = kinds.map((_, i) => kinds[(i * 61) % kinds.length] as { level: string; text: string });
  const lines = mixed.map(({ level, text }, i) => {
    const minute = String(Math.floor(i / 2) % 60).padStart(2, "0");
    const second = String((i * 7) % 60).padStart(2, "0");
    return `2026/11/20 ${String(6 + Math.floor(i / 60)).padStart(2, "0")}:${minute}:${second} [${level}] 812#812: *${1000 + i} ${text}, client: 192.0.2.${(i % 50) + 1}, server: shop.example`;
  });
  return `${lines.join("\n")}\n`;
}
