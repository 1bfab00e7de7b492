// The ticker as a program: the plan in argv (JSON). Without one it only loads all of its modules. A file of its own, since
// a bundle may move what others import out of its first file, where `import.meta.main` is true.
import { runTicker, type TickerPlan } from "./ticker.ts";

if (process.argv[2] !== undefined) {
  const plan = JSON.parse(process.argv[2]) as TickerPlan;
  if (plan.crash?.step === "started") process.kill(process.pid, "SIGKILL");
  // No `await`: in a bundle, what is imported later may wait for the end of this very file.
  void runTicker(plan);
}
