/**
 * `npm run test:mutation`: Stryker changes the code that verifies and accepts, one small change at a time, and runs the
 * suites of `suites.ts` on each: a change that no test notices is a promise that nothing holds. It comes from npm into
 * `.mutation/`, at the version of the lock file beside this file, where its copies of the project and its report
 * (`report.json`) go, too. Arguments are Stryker's own: `npm run test:mutation -- --mutate lib/verify/decode.ts`.
 */
import { spawnSync } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { installLocked } from "../support/install-locked.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const INSTALLED = join(ROOT, ".mutation");

await installLocked(HERE, INSTALLED);
// What a run that was cut off has left.
await rm(join(INSTALLED, "sandbox"), { recursive: true, force: true });
const stryker = join(INSTALLED, "node_modules/@stryker-mutator/core/bin/stryker.js");
const config = join(HERE, "stryker.json");
const args = [stryker, "run", config, ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { cwd: ROOT, stdio: "inherit" }).status ?? 1;
