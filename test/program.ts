// What bin/towline does, for the bundle that a whole test run starts in its place.
import { run } from "../src/cli.ts";

await run();
