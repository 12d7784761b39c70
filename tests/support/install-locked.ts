import { spawn } from "node:child_process";
import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * Brings a folder in step with the lock file beside a script: packages that one script alone needs, and that are too
 * many or too large for everybody. Does nothing where it is in step.
 *
 * @param from where package.json and package-lock.json stand
 * @throws {Error} npm failed; it has said why
 */
export async function installLocked(from: string, into: string): Promise<void> {
  const lockPath = join(from, "package-lock.json");
  const marker = join(into, "installed.json");
  if ((await readText(marker)) === (await readText(lockPath))) return;
  console.log(`Installing what ${join(from, "package.json")} names into ${into}`);
  await mkdir(into, { recursive: true });
  await rm(marker, { force: true });
  for (const name of ["package.json", "package-lock.json"])
    await copyFile(join(from, name), join(into, name));
  const child = spawn("npm", ["ci", "--no-audit", "--no-fund"], { cwd: into, stdio: "inherit" });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", resolve);
  });
  if (code !== 0) throw new Error(`Cannot install into ${into}: npm ended with ${code}`);
  // Copied last, so that an install that broke off is done again.
  await copyFile(lockPath, marker);
}

function readText(path: string): Promise<string | null> {
  return readFile(path, "utf8").catch(() => null);
}
