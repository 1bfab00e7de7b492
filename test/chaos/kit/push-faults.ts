// What can happen to one push on its way: seen by the proxy between a ticker and git's own server.
import type { Behaviour, Wire } from "./proxy.ts";

export const pushFaults = [
  "answer dropped",
  "answer garbled",
  "cut in the pack",
  "cut after the pack",
  "lands late",
  "reset",
] as const;
export type PushFault = (typeof pushFaults)[number];

export interface Hit {
  fault: PushFault;
}

/** Acts on connections that move a branch; fetches and the heartbeat pass. `fault` is asked once such a push shows itself. */
export function onPush(fault: () => PushFault | null, random: () => number, hit: (one: Hit) => void): Behaviour {
  let seen = "";
  let plan: PushFault | null | undefined;
  let held: Buffer[] = [];
  let quiet: NodeJS.Timeout | undefined;
  const strike = (wire: Wire) => {
    const pack = Buffer.concat(held);
    held = [];
    const late = () => {
      wire.toServer(pack);
      setTimeout(() => wire.endServer(), 400);
    };
    if (plan === "cut in the pack") {
      wire.toServer(pack.subarray(0, Math.floor(pack.length * random() * 0.9)));
      wire.endServer(true);
      wire.endClient(true);
    } else if (plan === "cut after the pack") {
      wire.endClient(true);
      late();
    } else if (plan === "lands late") {
      wire.endClient();
      setTimeout(late, 100 + random() * 600);
    } else if (plan === "reset") {
      wire.toServer(pack);
      setTimeout(() => wire.endClient(true), random() * 30);
    } else wire.toServer(pack); // the answer is what suffers
  };
  return {
    client(bytes, wire) {
      if (plan === undefined) {
        seen = (seen + bytes.toString("latin1")).slice(0, 4096);
        if (/git-receive-pack/.test(seen) && /refs\/heads\//.test(seen.slice(seen.indexOf("\0")))) {
          plan = fault();
          if (plan) hit({ fault: plan });
        }
      }
      if (!plan) return wire.toServer(bytes);
      held.push(bytes);
      clearTimeout(quiet);
      quiet = setTimeout(() => strike(wire), 15);
    },
    server(bytes, wire) {
      if (!plan) return wire.toClient(bytes);
      if (plan === "answer garbled") wire.toClient(Buffer.from("0007 no git"));
    },
    clientEnd(wire) {
      if (!plan) wire.endServer();
    },
    serverEnd: (wire) => wire.endClient(),
  };
}
