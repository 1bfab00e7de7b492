#!/usr/bin/env node
// `npm start`: install what is missing, then show a fleet at work (`towline demo`).
import { install, root, run } from "./install.mjs";

await install();
process.exit(await run("node", [`${root}/bin/towline`, "demo", ...process.argv.slice(2)], { cwd: process.cwd() }));
