import { defineConfig } from "vitest/config";
import { SlowFirst } from "./test/order.ts";

// Folders whose tests start no process and no server: `npm test -- --quick` runs these and nothing else.
const pure = ["core", "schema", "workflows", "report", "runtimes"].map((area) => `test/${area}/**/*.test.ts`);

// What is judged here may not fail once in a thousand runs: work started twice, a result lost, a secret let out.
const strict = ["chaos", "code", "fuzz", "model", "mutants", "paths", "repo", "secrets"]
  .map((area) => `test/${area}/**/*.test.ts`)
  .concat("test/integration/{once,killed,drops,person,copy,signals,collect}.test.ts")
  .concat("test/tick/{budget,idle,reclaim,shards,tick}.test.ts", "test/store/outages.test.ts");
// Hang limits only.
const limits = { testTimeout: 300_000, hookTimeout: 240_000 };

export default defineConfig({
  test: {
    // Forks, because tests change directories, send signals and load native code.
    pool: "forks",
    // Five of them share two cores: threads that collect garbage beside them only take those from each other.
    execArgv: ["--single-threaded-gc"],
    globalSetup: ["test/room.ts", "test/bundled.ts"],
    // Three more than the two cores that CI gives: most suites wait for servers, hosts and clocks half of the time.
    maxWorkers: 5,
    sequence: { sequencer: SlowFirst },
    projects: [
      // They share nothing but what they import: one process for many of them.
      { extends: true, test: { name: "unit", include: pure, isolate: false, testTimeout: 120_000 } },
      { extends: true, test: { name: "strict", include: strict, ...limits } },
      {
        extends: true,
        test: {
          name: "real",
          include: ["test/**/*.test.ts"],
          exclude: ["**/node_modules/**", "test/agents/**", ...pure, ...strict, "test/golden/*/**", "test/fixtures/**"],
          // Real servers on a busy machine come late at times: once more, and `npm test` names what needed it.
          retry: 1,
          ...limits,
        },
      },
    ],
  },
});
