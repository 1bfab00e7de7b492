// The last thing before a start: a piece of work, with the secrets that its agent may see, as a launch for a host.
import { type Briefing, briefFiles, knownParts, roleFile, roundParts, ruleParts } from "../core/brief.ts";
import { Fault } from "../errors.ts";
import type { CodeWork, Launch, Runtime, Work } from "../ports.ts";
import { rankProgram } from "../remote/program.ts";
import { inboxFiles } from "../runtimes/inbox.ts";

/** `secret`: what a variable holds where the tick runs. `refused`: why nothing can be run; a person must mend it. */
export function prepare(
  runtime: Runtime,
  work: Work,
  secret: (name: string) => string | undefined = () => undefined,
): Launch | { refused: string } {
  const names = work.agent.env ?? [];
  const secrets = Object.fromEntries(names.map((name) => [name, secret(name) ?? ""]));
  const missing = names.filter((name) => !secrets[name]);
  if (missing.length > 0)
    return { refused: `its agent needs ${missing.join(", ")}, which is not set where the tick runs` };
  try {
    const briefing = work.code && briefingOf(work, work.code);
    // Whatever reads no file by itself is told by its prompt, and is what the file says by its role.
    const told = briefing
      ? { news: [...roundParts(briefing), ...ruleParts(briefing.told)], character: roleFile(briefing) }
      : { news: knownParts(work.told) };
    const launch = answering(work, runtime.launch({ ...work, ...told, secrets }));
    const brief = briefing ? briefFiles(briefing) : {};
    const read = Object.entries(brief).filter(([name]) => !name.startsWith(".towline/root/"));
    return {
      ...launch,
      files: { ...launch.files, ...inboxFiles(work), ...brief },
      told: { ...launch.told, ...Object.fromEntries(read) },
    };
  } catch (thrown) {
    if (thrown instanceof Fault) return { refused: [thrown.message, thrown.advice].filter(Boolean).join("; ") };
    throw thrown;
  }
}

/** With what `towline learn` needs on the host; where nothing is written down that applies there, nothing is sent. */
function answering({ told }: Work, launch: Launch): Launch {
  const weights = told?.weights;
  return weights
    ? { ...launch, files: { ...launch.files, "learn/rank.awk": rankProgram(), "learn/weights": weights } }
    : launch;
}

function briefingOf(work: Work, code: CodeWork): Briefing {
  // Apart, or what was asked could hold an answer of its own.
  const answers = (work.questions ?? []).flatMap(({ question, answer }) => [
    { from: "you, as you asked a person", text: question },
    { from: "that person, who answers you", text: answer },
  ]);
  return { ...work, ...code, letters: [...answers, ...(work.inbox ?? [])] };
}
