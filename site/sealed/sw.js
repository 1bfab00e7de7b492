// Answers every address of a sealed dashboard from its encrypted pieces. The key is in this worker's memory and nowhere
// else; src/shell/seal.ts writes what is read here.
const scope = new URL(self.registration.scope);
const open = new Set([
  "index.html",
  "404.html",
  "unlock.js",
  "unlock.css",
  "keep.js",
  "sw.js",
  "site.json",
  "favicon.svg",
]);
const most_pieces = 24;
/** Milliseconds for which a look at what is published counts. */
const fresh_for = 8000;
const types = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  txt: "text/plain; charset=utf-8",
  xml: "application/xml; charset=utf-8",
};
const text = new TextEncoder();

let secret = null;
let site = null;
let opening = null;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("message", (event) => {
  const given = event.data?.secret;
  if (typeof given !== "string" || given === "") return;
  const port = event.ports[0];
  event.waitUntil(
    take(given).then(
      () => port?.postMessage({}),
      (fault) => port?.postMessage({ fault: fault.message }),
    ),
  );
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) return;
  const path = decodeURIComponent(url.pathname.slice(scope.pathname.length));
  if (event.request.method !== "GET" || path.startsWith("c/") || (open.has(path) && path !== "index.html")) return;
  event.respondWith(answer(event.request, path).catch(() => refused(event.request)));
});

/** A wrong key changes nothing for the pages that are open with the right one. */
async function take(given) {
  if (given === secret && site) return;
  const opened = await openWith(given);
  secret = given;
  site = opened;
}

const at = (path) => new URL(path, scope);

/** What is published at the moment, opened. */
async function openWith(given) {
  const response = await fetch(at("site.json"), { cache: "no-store" });
  if (response.status === 404) {
    // No longer sealed: the pages speak for themselves.
    await self.registration.unregister();
    throw new Error("This dashboard is not locked any more. Reload this page.");
  }
  if (!response.ok) throw new Error(`The dashboard could not be read (${response.status}).`);
  const head = await response.json();
  const opened = { head, key: await keyOf(head, given), pieces: new Map(), at: Date.now() };
  let first;
  try {
    first = await piece(opened, 0);
  } catch {
    throw new Error(head.kdf === "pbkdf2" ? "This passphrase does not fit." : "This key does not fit.");
  }
  const length = new DataView(first.buffer, first.byteOffset).getUint32(0);
  opened.index = JSON.parse(await unpacked(await bytes(opened, 4, length)).text());
  return opened;
}

async function keyOf({ kdf, salt, rounds }, given) {
  if (kdf === "pbkdf2" && !(rounds >= 600_000)) throw new Error("This dashboard was locked too weakly to be opened.");
  const way =
    kdf === "pbkdf2"
      ? { name: "PBKDF2", hash: "SHA-256", salt: fromBase64(salt), iterations: rounds }
      : { name: "HKDF", hash: "SHA-256", salt: fromBase64(salt), info: text.encode("towline site") };
  const raw = text.encode(given.normalize("NFC"));
  const base = await crypto.subtle.importKey("raw", raw, way.name, false, ["deriveKey"]);
  return crypto.subtle.deriveKey(way, base, { name: "AES-GCM", length: 256 }, false, ["decrypt"]);
}

function fromBase64(word) {
  return Uint8Array.from(atob(word), (c) => c.charCodeAt(0));
}

/** One decrypted piece; the newest few are kept. */
async function piece(of, n) {
  const known = of.pieces.get(n);
  if (known) return known;
  const response = await fetch(at(`c/${n}?${encodeURIComponent(of.head.salt)}`));
  if (!response.ok) throw new Error("a piece is missing");
  const data = new Uint8Array(await response.arrayBuffer());
  const additionalData = text.encode(`${of.head.salt} ${n} ${of.head.pieces}`);
  const way = { name: "AES-GCM", iv: data.subarray(0, 12), additionalData };
  const plain = new Uint8Array(await crypto.subtle.decrypt(way, of.key, data.subarray(12)));
  of.pieces.set(n, plain);
  if (of.pieces.size > most_pieces) of.pieces.delete(of.pieces.keys().next().value);
  return plain;
}

async function bytes(of, from, length) {
  const { size } = of.head;
  const parts = [];
  for (let n = Math.floor(from / size); n * size < from + length; n++) {
    const plain = await piece(of, n);
    parts.push(plain.subarray(Math.max(0, from - n * size), Math.min(size, from + length - n * size)));
  }
  return new Blob(parts);
}

const unpacked = (blob) => new Response(blob.stream().pipeThrough(new DecompressionStream("gzip")));

/** Looks now and then whether another site was published since. */
async function current() {
  if (secret === null) return null;
  if (site && Date.now() - site.at < fresh_for) return site;
  opening ??= renew().finally(() => {
    opening = null;
  });
  return opening;
}

async function renew() {
  if (site) {
    const response = await fetch(at("site.json"), { cache: "no-store" }).catch(() => null);
    const same = !response?.ok || (await response.json()).salt === site.head.salt;
    site.at = Date.now();
    if (same && response?.status !== 404) return site;
  }
  site = await openWith(secret);
  return site;
}

async function answer(request, path) {
  const of = await current();
  if (of === null) return refused(request);
  const found = placeOf(of, path);
  if (found?.slash) return Response.redirect(at(`${path}/`).href, 301);
  if (found) return page(of, found.name, 200).catch(() => again(request, path));
  return of.index["404.html"] ? page(of, "404.html", 404) : new Response("There is no such page.", { status: 404 });
}

/** A piece that does not fit: another site is just being put in place. */
async function again(request, path) {
  site = null;
  const of = await current();
  const found = of && placeOf(of, path);
  return found ? page(of, found.name, 200) : refused(request);
}

function placeOf(of, path) {
  const name = path === "" || path.endsWith("/") ? `${path}index.html` : path;
  if (Object.hasOwn(of.index, name)) return { name };
  return Object.hasOwn(of.index, `${path}/index.html`) ? { slash: true } : null;
}

async function page(of, name, status) {
  const [from, length] = of.index[name];
  const type = types[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";
  const body = await unpacked(await bytes(of, from, length)).arrayBuffer();
  return new Response(body, { status, headers: { "content-type": type, "cache-control": "no-store" } });
}

/** Locked: people get the form at the address that they asked for, scripts a word that they can wait upon. */
async function refused(request) {
  if (request.mode === "navigate") return fetch(at("index.html"), { cache: "no-store" });
  return new Response("locked", { status: 503, headers: { "cache-control": "no-store" } });
}
