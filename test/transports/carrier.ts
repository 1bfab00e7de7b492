// A program that carries bytes between its own ends and a port, as programs of plugins' transports do; notes how it was called.

export const carrier = `#!${process.execPath}
const socket = require("node:net").connect(Number(process.argv[3]), process.argv[2]);
socket.on("error", (e) => { console.error("no way: " + e.code); process.exit(1); });
socket.on("close", () => process.exit());
process.stdin.pipe(socket); socket.pipe(process.stdout);
require("node:fs").appendFileSync(__dirname + "/calls", JSON.stringify([process.argv.slice(2), process.env]) + "\\n");
`;
