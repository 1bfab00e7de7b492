// A line for a person who waits: whatever says nothing for a second says that it is at work.
import type { Report } from "../ports.ts";
import type { Wire } from "../wire.ts";

/** Verbs that ask questions, or show themselves how far they are. */
const speak =
  /^(init|demo|dispatch|try|tick|watch|leave|archive|complete|completion|forge|job (attach|log)|site (serve|key)|plugin (setup|new)|fleet (add|deploy|drain|enroll|rollback|status|teardown|keygen))\b/;

/** The same wire, which notices that something was said; `done` when the verb has ended. */
export function atWork(wire: Wire, argv: readonly string[], after = 1000): { wire: Wire; done(): void } {
  const verb = argv
    .filter((word) => /^[a-z-]+$/.test(word) && !word.startsWith("-"))
    .slice(0, 2)
    .join(" ");
  if (!wire.terminal || argv.includes("--json") || speak.test(verb)) return { wire, done() {} };
  const timer = setTimeout(() => wire.report.progress("● at work …"), after).unref();
  const heard =
    <Args extends unknown[], T>(say: (...args: Args) => T) =>
    (...args: Args): T => {
      clearTimeout(timer);
      return say(...args);
    };
  const { progress, note, warning, error } = wire.report;
  const report: Report = {
    ...wire.report,
    progress: heard(progress),
    note: heard(note),
    warning: heard(warning),
    error: heard(error),
  };
  const ask = wire.ask && heard(wire.ask);
  return { wire: { ...wire, report, out: heard(wire.out), ...(ask ? { ask } : {}) }, done: () => clearTimeout(timer) };
}
