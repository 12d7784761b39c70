import { rmSync } from "node:fs";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders = new Set<string>();
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new empty folder, by its real path. It goes when the suite's process ends; `removeFolder` removes it earlier. */
export async function tempFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "latchhook-")));
  folders.add(folder);
  return folder;
}

/** Removes a folder of `tempFolder` with all that is in it. */
export async function removeFolder(folder: string): Promise<void> {
  if (!folders.has(folder)) throw new Error(`Cannot remove ${folder}: tempFolder did not make it`);
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  folders.delete(folder);
}
