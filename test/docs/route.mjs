// @ts-nocheck: it changes what node itself makes.
// Loaded before the program: the addresses that pages name lead to machines on loopback.
import { readFileSync } from "node:fs";
import { Socket } from "node:net";

const routes = JSON.parse(readFileSync(process.env.TOWLINE_DOCS_ROUTES, "utf8"));
const connect = Socket.prototype.connect;
Socket.prototype.connect = function routed(...words) {
  // `net.connect` hands over a list of the options and a callback.
  const list = Array.isArray(words[0]) ? words[0] : words;
  const port = routes[`${list[0]?.host}:${list[0]?.port}`];
  if (port !== undefined) list[0] = { ...list[0], host: "127.0.0.1", port };
  return connect.apply(this, words);
};
