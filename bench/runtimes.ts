import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./root.ts";

/** A program that runs TypeScript. */
export interface Runtime {
  name: string;
  program: string;
  args: readonly string[];
  /** Why it can't be used; null where it can. */
  missing: string | null;
}

const INSTALLED = join(ROOT, ".runtimes", "node_modules");

/** The Node that runs the bench, with the project's own loader; one process, unlike `npx tsx`. */
export const ownNode: Runtime = {
  name: "node",
  program: process.execPath,
  args: ["--import", pathToFileURL(join(ROOT, "node_modules/tsx/dist/loader.mjs")).href],
  missing: null,
};

/** The others, as `npm run test:runtimes` installs them. */
export const otherRuntimes: readonly Runtime[] = [
  installed("node24", "node24/bin/node", []),
  installed("node-newest", "node/bin/node", []),
  installed("deno", ".bin/deno", ["run", "-A"]),
  installed("bun", ".bin/bun", []),
];

/** Such as `22.1.0`. */
export function versionOf(program: string, option = "--version"): string {
  const text = execFileSync(program, [option], { encoding: "utf8", timeout: 30_000 });
  return /\d+(?:\.\d+)+/.exec(text)?.[0] ?? text.trim();
}

function installed(name: string, file: string, args: readonly string[]): Runtime {
  const program = join(INSTALLED, file);
  const missing = existsSync(program) ? null : 'not installed; "npm run test:runtimes" does it';
  return { name, program, args, missing };
}
