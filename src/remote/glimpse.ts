// What a run has printed so far, out of a host's answer.
import { type Glimpse, HostFault } from "../ports.ts";

const states = ["running", "ended", "died", "acked", "none"] as const;

export function readGlimpse(payload: Uint8Array): Glimpse {
  const first = payload.indexOf(10);
  const [state = "", out = "", err = "", more] = Buffer.from(payload.subarray(0, Math.max(0, first)))
    .toString("latin1")
    .split(" ");
  const known = states.find((one) => one === state);
  const bytes = payload.subarray(first + 1);
  const cut = Number(out);
  if (!known || !/^\d{1,5}$/.test(out) || !/^\d{1,5}$/.test(err) || cut + Number(err) !== bytes.length)
    throw new HostFault("protocol", "the host gave no known answer to a look at what a run prints");
  return { state: known, out: bytes.subarray(0, cut), err: bytes.subarray(cut), whole: more !== "more" };
}
