// Mirrors and worktrees on a host, through a conversation with its host program.
import { createHash } from "node:crypto";
import { type HostCode, HostFault } from "../ports.ts";
import type { Conversation } from "./fleet-conversation.ts";
import { asking, stream } from "./fleet-files.ts";

export function hostCode(name: string, conversation: Conversation): HostCode {
  const ask = asking(name, conversation);
  return {
    async tips(mirror) {
      const { payload } = await ask("tips", [mirror]);
      return payload
        .toString("latin1")
        .split("\n", 1000)
        .filter((line) => /^[0-9a-f]{40}$/.test(line));
    },
    async send(mirror, bundle, { sent } = {}) {
      const sha256 = createHash("sha256").update(bundle).digest("hex");
      await ask("bundle", [mirror, bundle.length, sha256]);
      await stream(ask, "chunk", bundle, sent);
      await ask("land", []);
    },
    async close(job) {
      const said = (await ask("close", [job])).payload.toString("latin1");
      if (said !== "closed" && said !== "open") throw new HostFault("protocol", `${name}: no known answer to close`);
      return said === "closed";
    },
  };
}
