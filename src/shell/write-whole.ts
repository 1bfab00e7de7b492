// A file of a person's is replaced whole, or stays as it was: on a full disk a plain write would leave it empty.
import { randomUUID } from "node:crypto";
import { realpath, rename, rm, stat, writeFile } from "node:fs/promises";

export async function writeWhole(file: string, text: string): Promise<void> {
  // A link stays a link: what it leads to is replaced.
  const place = await realpath(file).catch(() => file);
  const mode = await stat(place).then(
    (there) => there.mode & 0o777,
    () => 0o666,
  );
  const beside = `${place}.${randomUUID().slice(0, 8)}.draft`;
  try {
    await writeFile(beside, text, { flag: "wx", mode });
    await rename(beside, place);
  } catch (thrown) {
    await rm(beside, { force: true });
    throw thrown;
  }
}

/** A file that is not there yet; EEXIST where it is. */
export async function writeNew(file: string, text: string): Promise<void> {
  await writeFile(file, text, { flag: "wx" }).catch(async (thrown) => {
    if (thrown.code !== "EEXIST") await rm(file, { force: true });
    throw thrown;
  });
}
