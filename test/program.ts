// What bin/towline does, for the bundle that a whole test run starts in its place.
import { run } from "../src/cli.ts";

// Not awaited here: chunks that verbs load later import from this file's chunk, and would wait for its end.
void run();
