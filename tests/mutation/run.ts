/**
 * `npm run test:mutation`: Stryker changes the code that verifies and accepts, one small change at a time, and runs the
 * suites of `suites.ts` on each: a change that no test notices is a promise that nothing holds. It comes from npm into
 * `.mutation/`, at the version of the lock file beside this file, where its copies of the project and its report
 * (`report.json`) go, too. Arguments are Stryker's own: `npm run test:mutation -- --mutate lib/verify/decode.ts`.
 */
import { spawnSync } from "node:child_process";
import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const INSTALLED = join(ROOT, ".mutation");

await install();
// What a run that was cut off has left.
await rm(join(INSTALLED, "sandbox"), { recursive: true, force: true });
const stryker = join(INSTALLED, "node_modules/@stryker-mutator/core/bin/stryker.js");
const config = join(HERE, "stryker.json");
process.exitCode = run(process.execPath, [stryker, "run", config, ...process.argv.slice(2)], ROOT);

/** Brings `.mutation/` in step with the lock file; does nothing where it is. */
async function install(): Promise<void> {
  const lock = await readFile(join(HERE, "package-lock.json"), "utf8");
  const marker = join(INSTALLED, "installed.json");
  if ((await readFile(marker, "utf8").catch(() => null)) === lock) return;
  console.log("Installing Stryker into .mutation/");
  await mkdir(INSTALLED, { recursive: true });
  await rm(marker, { force: true });
  for (const name of ["package.json", "package-lock.json"])
    await copyFile(join(HERE, name), join(INSTALLED, name));
  if (run("npm", ["ci", "--no-audit", "--no-fund"], INSTALLED) !== 0) process.exit(1);
  // Copied last, so that an install that broke off is done again.
  await copyFile(join(HERE, "package-lock.json"), marker);
}

/** Runs a command to its end, on this terminal. @returns its exit code */
function run(command: string, args: readonly string[], cwd: string): number {
  return spawnSync(command, args, { cwd, stdio: "inherit" }).status ?? 1;
}
