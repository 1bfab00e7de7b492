import type { Forge } from "../ports.ts";
import type { Targets } from "../shell/target.ts";
import { git } from "./git.ts";

const forges: Readonly<Record<string, (targets: Targets) => Forge>> = { git };

/** The forge that towline.yml names; those that are not known yet are spoken to by git alone. */
export const createForge = (name: string | undefined, targets: Targets): Forge =>
  (forges[name ?? "git"] ?? git)(targets);
