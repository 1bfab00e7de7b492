// Suites that take long start first: one that began last would leave all workers but its own idle at the end.
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Longest first. Between those that load the machine stand some that mostly wait. */
const slow = [
  "chaos/crash",
  "chaos/schedules",
  "store/outages",
  "transports/contract",
  "integration/demo",
  "chaos/exclusion",
  "integration/signals",
  "chaos/slow",
  "tick/tick",
  "docs/run",
  "secrets/gate",
  "model/model",
  "secrets/purge",
  "integration/rewritten",
  "integration/copy",
  "integration/hosts",
  "fuzz/records",
  "model/replay",
  "chaos/unknown",
  "repo/race",
  "chaos/hosts",
  "integration/pane",
  "integration/drops",
  "integration/person",
  "integration/logins",
  "integration/dispatch",
  "tick/shards",
  "site/publish",
  "site/live",
  "site/browser",
  "site/judge",
  "site/build",
  "integration/cancel",
  "integration/collect",
  "integration/flood",
  "code/rounds",
  "campfire/weeks",
  "plugin/tick",
  "forges/whole",
  "forges/rounds",
  "forges/contract",
  "forges/faults",
  "mutants/mutants",
];

export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = slow.findIndex((suite) => moduleId.endsWith(`/test/${suite}.test.ts`));
      return found < 0 ? slow.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}
