// `/towline stop` and `stop off`: a wish in the ledger that plans honour as they do STOP.md, which stays people's own.
import type { Command } from "./commands.ts";
import { type Deed, type Doing, does, fault } from "./deeds.ts";
import { isoNow } from "./draft.ts";
import { stopped } from "./gate.ts";
import { oneLine } from "./text.ts";

export function stopDeed({ draft, said }: Doing, command: Command & { verb: "stop" }): Deed {
  const { seconds, cancel } = command;
  const until =
    command.until ?? (seconds === null ? undefined : new Date(Date.parse(said.at) + seconds * 1000).toISOString());
  if (until !== undefined && Date.parse(until) <= draft.now.getTime())
    return { targets: ["policy"], fault: `${until} is over already`, fix: "name a later time, or none" };
  return does(["policy"], () => {
    const why = oneLine(command.why, 200);
    const by = oneLine(said.by.login, 80);
    draft.talks.stop = { at: isoNow(draft), by, until, cancel: cancel || undefined, why: why === "" ? undefined : why };
    const how = cancel ? "Nothing starts, and what runs is ended" : "Nothing new starts; what runs goes on";
    return `‖ ${how}${until === undefined ? "" : `, until ${until}`}. \`/towline stop off\` takes it back.`;
  });
}

export function goOnDeed({ draft }: Doing): Deed {
  if (!draft.talks.stop)
    return draft.stop
      ? fault("STOP.md stops everything, and that is a file of yours", "remove it")
      : { targets: ["policy"], fault: "nothing is stopped", fix: "there is nothing to take back" };
  return does(["policy"], () => {
    draft.talks.stop = null;
    const file = stopped(draft, draft.now) ? " STOP.md is there as well, and still stops everything." : "";
    return `✓ It goes on.${file}`;
  });
}
