// Run by ssh as its ProxyCommand: carries bytes between it and the socket that is named.
import { connect } from "node:net";

const socket = connect({ path: /** @type {string} */ (process.argv[2]) });
socket.on("error", () => process.exit(1));
socket.on("close", () => process.exit());
process.stdout.on("error", () => process.exit(1));
process.stdin.pipe(socket);
socket.pipe(process.stdout);
