// A look at a machine before anything is put on it: what it is, and whether work can be done there at all.
import { installLine, readSurvey, type Survey, unfit } from "../core/machine.ts";
import type { Host } from "../core/schema.ts";
import { configuration, type Fault } from "../errors.ts";
import type { Connection } from "../ports.ts";
import { surveyScript } from "../remote/enrolment.ts";
import { seatOf } from "../remote/program.ts";
import { runScript } from "./host-script.ts";

/** What machine that is, as the user that agents run as. null: our key is behind the gate. Throws where no work can be done. */
export async function lookAround(name: string, host: Host, connection: Connection): Promise<Survey | null> {
  const { user } = seatOf(host);
  const ran = await runScript(connection, surveyScript(), user);
  if (ran.gated) return null;
  const survey = readSurvey(ran.out);
  if (survey === null && user !== undefined) throw await cannotBecome(name, host, connection, ran.err);
  if (survey === null)
    throw configuration(
      `${name}: its login shell does not run commands: ${ran.err || `it ended with ${ran.code}`}`,
      "give that user a login shell like /bin/sh (`chsh`), without a restriction",
    );
  if (user !== undefined && survey.user !== user)
    throw configuration(
      `${name}: as \`run_as: ${user}\` it says that it is ${survey.user || "nobody"}`,
      "fix its sudo",
    );
  const fault = unfit(survey);
  if (fault) throw configuration(`${name} ${fault.message}`, fault.advice);
  const early = survey.missing.filter((tool) => tool === "sha256sum" || tool === "od");
  if (early.length > 0)
    throw configuration(
      `${name} lacks ${early.join(" and ")}, without which the host program cannot be put there`,
      installLine(survey.missing, survey.family),
    );
  return survey;
}

/** `run_as` is set and the login user cannot become that user: nothing is run as the login user instead. */
async function cannotBecome(name: string, { run_as }: Host, connection: Connection, why: string): Promise<Fault> {
  const plain = readSurvey((await runScript(connection, surveyScript())).out);
  const message = `${name}: \`run_as: ${run_as}\`: ${plain?.user ?? "the login user"} cannot become ${run_as}: ${why || "no answer"}`;
  const line = `${plain?.user ?? "LOGIN"} ALL=(${run_as}) NOPASSWD: /bin/sh`;
  if (plain?.user === "root") return configuration(message, `make the user there: useradd -m ${run_as}`);
  return configuration(
    message,
    `${plain && !plain.sudo ? "install sudo there; then, " : ""}as root on the machine: echo '${line}' > /etc/sudoers.d/towline && chmod 440 /etc/sudoers.d/towline`,
  );
}
