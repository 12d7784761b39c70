import { readdir, readFile } from "node:fs/promises";
import { posix } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { findFaults, findImports, type Packages } from "./support/floors.ts";

const ROOT = new URL("../", import.meta.url);

const test = suite("floors");

test("no file of the house climbs, none imports in a circle, and each has its name", async () => {
  const files = await readHouse();
  assert.ok(files.size > 10, `read only ${files.size} files, so this test saw no house`);
  assert.is(findFaults(files, await readPackages()).join("\n"), "");
});

const packages: Packages = {
  self: "latchhook",
  dependencies: ["valibot"],
  optionalPeers: ["better-sqlite3"],
};

/** A house that stands; each case below breaks it in one place. */
const sound: Readonly<Record<string, string>> = {
  "lib/clock.ts": "export const clock = 1;",
  "lib/run.ts": 'import { clock } from "./clock.ts";',
  "lib/verify/signature.ts":
    'import { createHmac } from "node:crypto";\nimport { clock } from "../clock.ts";',
  "lib/storage/sqlite/open.ts": 'const driver = await import("better-sqlite3");',
  "lib/http/body.ts": 'import * as v from "valibot";',
  "lib/accept/accept.ts": 'import { clock } from "../clock.ts";\nexport const accept = clock;',
  "lib/runner/runner.ts": 'import { clock } from "../clock.ts";',
  "lib/wiring/create-latchhook.ts": 'import { open } from "../storage/sqlite/open.ts";',
  "routes/runs.ts": 'import { accept } from "../lib/accept/accept.ts";',
  "mod.ts": 'export { accept } from "./lib/accept/accept.ts";',
  "workflows/test.ts": 'import { defineWorkflow } from "latchhook";',
};

test("a sound house has no faults", () => {
  assert.equal(findFaults(new Map(Object.entries(sound)), packages), []);
});

const cases: readonly [name: string, path: string, source: string, ...expected: RegExp[]][] = [
  [
    "climbing by import",
    "lib/verify/signature.ts",
    'import { accept } from "../accept/accept.ts";',
    /^lib\/verify\/signature\.ts \(floor 1\) climbs: it imports lib\/accept\/accept\.ts \(floor 3\)$/,
  ],
  [
    "climbing by import type over several lines",
    "lib/clock.ts",
    'import type {\n  Signature,\n} from "./verify/signature.ts";',
    /lib\/clock\.ts .*climbs/,
    /circle/, // signature.ts imports the clock
  ],
  ["climbing by export from", "lib/http/body.ts", 'export * from "../accept/accept.ts";', /climbs/],
  [
    "climbing by import()",
    "lib/http/body.ts",
    'const { accept } = await import(\n  "../accept/accept.ts"\n);',
    /climbs/,
  ],
  [
    "climbing by a type's import()",
    "lib/http/body.ts",
    'type A = import("../accept/accept.ts").A;',
    /climbs/,
  ],
  ["climbing to mod.ts", "routes/runs.ts", 'import "../mod.ts";', /climbs/],
  [
    "a room on the same floor",
    "lib/runner/runner.ts",
    'import "../accept/accept.ts";',
    /do not know each other/,
  ],
  [
    "storage from above",
    "routes/runs.ts",
    'import "../lib/storage/sqlite/open.ts";',
    /only lib\/wiring knows/,
  ],
  ["Node outside of its rooms", "routes/runs.ts", 'import { join } from "node:path";', /no Node/],
  [
    "Node without its prefix",
    "lib/verify/signature.ts",
    'import { createHmac } from "crypto";',
    /without node:/,
  ],
  ["an unknown package", "lib/http/body.ts", 'import { z } from "zod";', /zod.*dependencies/],
  [
    "a scoped package's subpath",
    "lib/http/body.ts",
    'import { z } from "@scope/name/sub";',
    /@scope\/name, which/,
  ],
  [
    "an optional peer at once",
    "lib/storage/sqlite/open.ts",
    'import Db from "better-sqlite3";',
    /only import\(\)/,
  ],
  ["no .ts", "routes/runs.ts", 'import "../lib/clock.js";', /without \.ts/],
  ["a missing file", "routes/runs.ts", 'import "../lib/gone.ts";', /no file of the house/],
  [
    "a circle",
    "lib/clock.ts",
    'import "./run.ts";',
    /circle: lib\/clock\.ts > lib\/run\.ts > lib\/clock\.ts/,
  ],
  ["the house by its public name", "routes/runs.ts", 'import "latchhook";', /defines the thing/],
  ["an example that looks inside", "workflows/test.ts", 'import "../lib/clock.ts";', /an example knows only/],
  ["a room without a floor", "lib/attic/box.ts", "", /stands on no floor/],
  ["an empty name", "lib/http/utils.ts", "", /named after nothing/],
  ["a name in camelCase", "lib/http/readBody.ts", "", /kebab-case/],
];
for (const [name, path, source, ...expected] of cases) {
  test(`found: ${name}`, () => {
    const faults = findFaults(new Map(Object.entries({ ...sound, [path]: source })), packages);
    assert.is(faults.length, expected.length, faults.join("\n"));
    for (const [index, pattern] of expected.entries()) assert.match(faults[index] ?? "", pattern);
  });
}

test("what only looks like an import is none, and what looks unlike one is", () => {
  const source = [
    '/** @example\nimport { a } from "in-a-docstring";\n*/',
    '// import "in-a-comment"; import("in-a-comment")',
    'const text = "see // import(nothing)"; import("after-a-string");',
    'const path = new URL("no-import.ts", import.meta.url);',
    'export const from = "a-constant";',
    "import a, { type b as c } from \"mixed\";import * as d from 'single-quotes'",
    'export type { E } from "type-again";',
    'export * as f from "namespace";',
    "await import(fileName);",
  ].join("\n");
  assert.equal(
    findImports(source).map(({ specifier }) => specifier),
    ["mixed", "single-quotes", "type-again", "namespace", "after-a-string"],
  );
});

test.run();

async function readHouse(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const folder of ["lib", "routes", "bin", "workflows"]) {
    for (const path of await listFiles(folder)) files.set(path, await readFile(new URL(path, ROOT), "utf8"));
  }
  files.set("mod.ts", await readFile(new URL("mod.ts", ROOT), "utf8"));
  return files;
}

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(new URL(`${folder}/`, ROOT), { withFileTypes: true }).catch(() => []);
  const paths = entries.map((entry) => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return listFiles(path);
    return /\.[cm]?[jt]sx?$/.test(entry.name) ? [path] : [];
  });
  return (await Promise.all(paths)).flat();
}

async function readPackages(): Promise<Packages> {
  const manifest = JSON.parse(await readFile(new URL("package.json", ROOT), "utf8"));
  return {
    self: manifest.name,
    dependencies: Object.keys(manifest.dependencies),
    optionalPeers: Object.keys(manifest.peerDependenciesMeta),
  };
}
