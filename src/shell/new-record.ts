// Puts a new record into a work tree: whole or not at all, and never over one that is there.
import { randomBytes } from "node:crypto";
import { constants, copyFile, link, lstat, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { configuration, messageOf } from "../errors.ts";

/** False when something stands at that path already. `top`: the work tree; `id` a slug. */
export async function newRecord(top: string, folder: string, id: string, text: string): Promise<boolean> {
  const at = join(top, folder);
  const fresh = join(at, `.${id}.${randomBytes(6).toString("hex")}.tmp`);
  const failed = (thrown: unknown) =>
    configuration(
      `${folder}/${id}.md cannot be written: ${messageOf(thrown)}`,
      "look at the folder, its owner and mode",
    );
  await mkdir(at, { recursive: true }).catch((thrown) => {
    throw failed(thrown);
  });
  if ((await lstat(at)).isSymbolicLink())
    throw configuration(`${folder}/ is a link`, "make it a folder of the repository");
  try {
    const handle = await open(fresh, "wx", 0o644);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await putNew(fresh, join(at, `${id}.md`));
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw failed(thrown);
  } finally {
    await rm(fresh, { force: true }).catch(() => {});
  }
}

/** The whole file under a new name; EEXIST where something is there. Some file systems know no links: those get a copy. */
export async function putNew(from: string, to: string): Promise<void> {
  await link(from, to).catch((thrown) => {
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK"].includes((thrown as NodeJS.ErrnoException).code ?? ""))
      throw thrown;
    return copyFile(from, to, constants.COPYFILE_EXCL);
  });
}
