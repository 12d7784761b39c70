import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { compileFunction } from "node:vm";
import type * as Esbuild from "esbuild";
import type { defineWorkflow } from "../../../lib/define-workflow.ts";
import type { openDatabase } from "../../../lib/storage/sqlite/open.ts";
import type { SqliteStorage } from "../../../lib/storage/sqlite/sqlite-storage.ts";
import type { createInnerLatchhook } from "../../../lib/wiring/latchhook.ts";
import type { Mutant } from "./mutants.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** The compiler that tsx brings with it. */
const esbuild = createRequire(import.meta.resolve("tsx"))("esbuild") as typeof Esbuild;

const ENTRY = `
export { createInnerLatchhook } from "./lib/wiring/latchhook.ts";
export { openDatabase } from "./lib/storage/sqlite/open.ts";
export { SqliteStorage } from "./lib/storage/sqlite/sqlite-storage.ts";
export { defineWorkflow } from "./lib/define-workflow.ts";
export { FatalError } from "./lib/workflow-errors.ts";
`;

/** What the program finds around itself, in place of the runtime's own. */
export interface Surroundings {
  require: (name: string) => unknown;
  setImmediate: (fn: () => void) => void;
  process: object;
  crypto: { getRandomValues(array: Uint8Array): Uint8Array };
  Date: DateConstructor;
}

/** The parts of ours that a process of a world is made of. */
export interface Parts {
  createInnerLatchhook: typeof createInnerLatchhook;
  openDatabase: typeof openDatabase;
  SqliteStorage: typeof SqliteStorage;
  defineWorkflow: typeof defineWorkflow;
  FatalError: new (message: string) => Error;
}

/**
 * Our own code, as one function. Each call evaluates all modules anew, so that every process of a world has module state
 * of its own, and its own clock, chance and event loop: a crash forgets what a crash forgets.
 */
export type Program = (surroundings: Surroundings) => Parts;

/** @param mutant a bug to be put in on purpose */
export async function compileProgram(mutant: Mutant | null = null): Promise<Program> {
  const built = await esbuild.build({
    stdin: { contents: ENTRY, resolveDir: ROOT, loader: "ts" },
    bundle: true,
    write: false,
    platform: "node",
    format: "cjs",
    target: "node20",
    // Else a driver would be loaded by the runtime's own loader, which takes real time and cannot be replaced.
    supported: { "dynamic-import": false },
    external: ["better-sqlite3", "tsx"],
    logOverride: { "empty-import-meta": "silent" },
    plugins: mutant === null ? [] : [pluginOf(mutant)],
  });
  const code = built.outputFiles[0]?.text ?? "";
  const names = ["require", "module", "exports", "setImmediate", "setTimeout", "process", "crypto", "Date"];
  const evaluate = compileFunction(code, names) as (...givens: unknown[]) => void;
  return (given) => {
    const module = { exports: {} };
    const { require, setImmediate, process, crypto } = given;
    evaluate(require, module, module.exports, setImmediate, refuseTimer, process, crypto, given.Date);
    return module.exports as Parts;
  };
}

function refuseTimer(): never {
  throw new Error("Cannot wait for real time in a simulated process");
}

function pluginOf({ name, file, from, to }: Mutant): Esbuild.Plugin {
  return {
    name,
    setup(build) {
      let isApplied = false;
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (relative(ROOT, path) !== file) return null;
        const parts = (await readFile(path, "utf8")).split(from);
        if (parts.length !== 2) {
          throw new Error(
            `Cannot make the mutant "${name}": ${file} has its text ${parts.length - 1} times, not once`,
          );
        }
        isApplied = true;
        return { contents: parts.join(to), loader: "ts" };
      });
      build.onEnd(() => {
        if (!isApplied)
          throw new Error(`Cannot make the mutant "${name}": ${file} is not part of the program`);
      });
    },
  };
}
