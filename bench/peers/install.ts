import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { BENCH } from "../root.ts";

const INSTALLED = join(BENCH, ".peers");
const MARKER = join(INSTALLED, "installed.json");
const NAMES = ["package.json", "package-lock.json"] as const;

/**
 * Brings `bench/.peers/` in step with the lock file beside this file; does nothing where it is.
 *
 * @returns why the peers can't be measured; null where they can
 */
export function installPeers(): string | null {
  const lock = readFileSync(join(BENCH, "peers", "package-lock.json"), "utf8");
  try {
    if (readIfThere(MARKER) !== lock) install();
  } catch (error) {
    return `not installed: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`;
  }
  return sharesSqlite() ? null : "it would use another build of SQLite than the project";
}

/** The version of an installed peer. */
export function peerVersion(name: string): string {
  const manifest = readFileSync(join(INSTALLED, "node_modules", name, "package.json"), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}

function install(): void {
  console.log("Installing the peers into bench/.peers/");
  mkdirSync(INSTALLED, { recursive: true });
  rmSync(MARKER, { force: true });
  for (const name of NAMES) copyFileSync(join(BENCH, "peers", name), join(INSTALLED, name));
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  execFileSync("npm", args, { cwd: INSTALLED, stdio: "pipe", timeout: 5 * 60_000 });
  // Copied last, so that an install that broke off is done again.
  copyFileSync(join(BENCH, "peers", "package-lock.json"), MARKER);
}

/** A peer that brought a better-sqlite3 of its own would be compared by its SQLite. */
function sharesSqlite(): boolean {
  const resolve = (from: string): string => createRequire(from).resolve("better-sqlite3");
  return (
    resolve(join(INSTALLED, "node_modules", "plainjob", "package.json")) === resolve(join(BENCH, "run.ts"))
  );
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
