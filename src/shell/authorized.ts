// The line of towline's key in authorized_keys: put there by a person's key, and put behind the gate on wish.
import { configuration, type Fault, messageOf, outside } from "../errors.ts";
import { type Connection, HostFault } from "../ports.ts";
import { readable } from "../remote/answers.ts";
import { gateRoot, gateScript, type KeyForm, keysScript } from "../remote/enrolment.ts";
import { type Seat, seatOf } from "../remote/program.ts";
import { connectHost, type FleetOptions, meetHost } from "./fleet.ts";
import { runScript } from "./host-script.ts";
import { publicHalf } from "./own-key.ts";

type Host = Parameters<typeof connectHost>[1];

interface Writing {
  name: string;
  host: Host;
  /** May run scripts there. */
  connection: Connection;
  options: FleetOptions;
}

const comment = (name: string) => `towline-${name}`;
const keyOf = async ({ name, host, options }: Writing): Promise<string> => {
  const key = await publicHalf(name, host, options);
  if (key !== null) return key;
  throw configuration(
    `${name}: \`key: agent\` is a person's own key, which is not towline's to write`,
    "give the record a key of its own: `key: file:~/.ssh/…` or `key: env:NAME`",
  );
};

/** `there`: the key stood in authorized_keys already. */
export async function putKey(writing: Writing): Promise<"written" | "there"> {
  const said = await write(writing, "open", await keyOf(writing), seatOf(writing.host));
  return said.startsWith("there") ? "there" : "written";
}

async function write({ name, connection }: Writing, form: KeyForm, key: string, seat: Seat): Promise<string> {
  const ran = await runScript(connection, keysScript(form, key, comment(name), seat));
  if (ran.gated) throw behindTheGate(name);
  const said = /(?:^|\n)towline-keys ([^\n]*)/.exec(ran.out)?.[1];
  if (said === undefined)
    throw outside(`${name}: authorized_keys could not be written: ${ran.err || `it ended with ${ran.code}`}`);
  if (said === "foreign")
    throw configuration(
      `${name}: ~/.ssh/authorized_keys has a line with this key and options that are not towline's`,
      "take that line out by hand, or leave it and log in with it",
    );
  if (said === "other")
    throw configuration(
      `${name}: towline's key is locked to another gate there: that of another record, or of this one with another \`root:\``,
      `give each record a key of its own; where \`root:\` has changed: towline fleet enroll ${name} --own-key --unlock, then lock it again`,
    );
  if (said.startsWith("failed"))
    throw outside(`${name}: ${readable(said.slice(7))}`, "look at the disk and the rights there");
  return said;
}

export const behindTheGate = (name: string): Fault =>
  configuration(
    `${name}: towline's key is behind the gate there and may not change that`,
    `towline fleet enroll ${name} --own-key, with a key of a person`,
  );

/**
 * Puts the record's key behind the gate. Judged from outside: with that key a conversation must be possible and
 * nothing else; where it is not so, or cannot be judged, the line is put back as it was before.
 */
export async function lockKey(writing: Writing): Promise<void> {
  const { name, host, connection } = writing;
  const key = await keyOf(writing);
  const seat = seatOf(host);
  const ran = await runScript(connection, gateScript(seat));
  if (ran.gated) throw behindTheGate(name);
  if (ran.out.includes("towline-gate other"))
    throw configuration(
      `${name}: ${gateRoot(seat)}/bin/gate there serves another record with this login: another \`run_as:\` or \`root:\``,
      `lock one of them only and give the other a key of its own, or give each a login user; where no record needs that gate any more, remove it there and lock ${name} again`,
    );
  if (!ran.out.includes("towline-gate written"))
    throw outside(`${name}: the gate could not be written: ${ran.err || `it ended with ${ran.code}`}`);
  const found = (await write(writing, "lock", key, seat)).split(" ")[2];
  let fault: string | null;
  try {
    fault = await tryLock(writing);
  } catch (thrown) {
    await putBack(writing, key, found, messageOf(thrown));
    throw thrown;
  }
  if (fault === null) return;
  await putBack(writing, key, found, fault);
  throw outside(`${name}: the gate does not hold, so the key is as it was before: ${fault}`);
}

/** `found`: how the key stood there. No key comes to be accepted by what undoes a lock. */
async function putBack(writing: Writing, key: string, found: string | undefined, why: string): Promise<void> {
  if (found === "locked") return;
  const { name, host } = writing;
  try {
    await write(writing, found === "open" ? "unlock" : "remove", key, seatOf(host));
  } catch (thrown) {
    throw outside(
      `${name}: the gate does not hold (${why}), and the key could not be put back as it was: ${messageOf(thrown)}`,
      `towline fleet enroll ${name} --own-key --unlock`,
      thrown,
    );
  }
}

export async function unlockKey(writing: Writing): Promise<void> {
  await write(writing, "unlock", await keyOf(writing), seatOf(writing.host));
}

/** null: the key can do what it must, and nothing else. */
async function tryLock({ name, host, options }: Writing): Promise<string | null> {
  let connection: Connection | undefined;
  try {
    connection = await connectHost(name, host, options);
    await meetHost(name, host, connection, options);
    const word = "towline-went-through";
    const ran = await runScript(connection, `echo ${word}\n`);
    return ran.out.includes(word) ? "with that key other commands can still be run" : null;
  } catch (thrown) {
    if (thrown instanceof HostFault) return thrown.message;
    throw thrown;
  } finally {
    connection?.close();
  }
}
