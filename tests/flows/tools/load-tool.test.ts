import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { LoadedTool } from "../../../lib/flows/tools/call-tool.ts";
import { loadTool } from "../../../lib/flows/tools/load-tool.ts";
import { folderHost } from "../../../lib/workflows/folder-host.ts";
import { flowHost } from "../../support/flow-host.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { toolOf } from "../../support/tools.ts";

const test = suite("flows/tools/load-tool");
const tool = toolOf(() => "found", { env: ["API_KEY", "API_URL?"] });

/** Loads what a module exports, or from a folder, and gives the tool and what was told. */
async function load(
  name: string,
  source: object | string,
  env: Record<string, string> = { API_KEY: "k-123456" },
): Promise<[LoadedTool | null, ...string[]]> {
  const host =
    typeof source === "string"
      ? folderHost(source, env, () => undefined)
      : flowHost({ env, importModule: async () => source });
  const told: string[] = [];
  const loaded = await loadTool(name, "fail", host, (detail) => void told.push(detail));
  return [loaded, ...told];
}

test("the default export is the tool, also of a module that became CommonJS", async () => {
  assert.is((await load("lookup", { default: tool }))[0]?.defined, tool);
  assert.is((await load("lookup", { default: { default: tool } }))[0]?.defined, tool);
});

test("a tool gets the variables that it declares and no other", async () => {
  const env = { API_KEY: "k-123456", OTHER: "o", WEBHOOK_SECRET: "s" };
  const [bare] = await load("lookup", { default: tool }, env);
  assert.equal(bare?.env, { API_KEY: "k-123456" });
  assert.is(bare?.hide("k-123456"), "[hidden]");
  const [both] = await load("lookup", { default: tool }, { ...env, API_URL: "http://gateway" });
  assert.equal(both?.env, { API_KEY: "k-123456", API_URL: "http://gateway" });
});

for (const env of [{}, { API_KEY: "" }] as Record<string, string>[]) {
  test(`a variable that is ${"API_KEY" in env ? "empty" : "missing"} is told of by its name`, async () => {
    assert.equal(await load("lookup", { default: tool }, env), [
      null,
      'Cannot use tool "lookup" without API_KEY: it is not set in the environment; set it',
    ]);
  });
}

for (const name of ["../secrets", "a/b", "lookup.ts", "", "1st", "_x", `x${"y".repeat(64)}`]) {
  test(`${JSON.stringify(name.slice(0, 12))} is no tool's name, and nothing is imported`, async () => {
    const [loaded, told] = await load(name, { default: tool });
    assert.is(loaded, null);
    assert.match(
      told ?? "",
      /^Cannot use ".* as a tool: give the name of a file in tools\/ without its ending/,
    );
  });
}

for (const [what, module, message] of [
  ["no default export", { lookup: tool }, /it has no default export; write export default defineTool/],
  ["a function", { default: () => null }, /its default export is no tool; write export default defineTool/],
  ["parts that were not defined", { default: { run: () => null } }, /its default export is no tool/],
  ["null", { default: null }, /its default export is no tool/],
] as const) {
  test(`${what} is told of with what to write`, async () => {
    const [loaded, told] = await load("lookup", module);
    assert.is(loaded, null);
    assert.match(told ?? "", message);
  });
}

test("a tool is found in the folder tools, and a missing one is told of with where it was looked for", async () => {
  const folder = await tempFolder();
  await mkdir(join(folder, "tools"));
  await writeFile(join(folder, "package.json"), '{"type": "module"}');
  const define = pathToFileURL(join(import.meta.dirname, "../../../lib/define-tool.ts")).href;
  const code = `import { defineTool } from ${JSON.stringify(define)};
    const input = { "~standard": { version: 1, vendor: "own", validate: (value) => ({ value }) } };`;
  const rest = 'description: "d", input, parameters: { type: "object" }, run: () => "found"';
  await writeFile(join(folder, "tools/js.js"), `${code} export default defineTool({ ${rest} });`);
  await writeFile(
    join(folder, "tools/wrong.js"),
    `${code} export default defineTool({ ${rest}, timeout: "1h" });`,
  );
  assert.is((await load("js", folder))[0]?.defined.description, "d");
  assert.equal(await load("wrong", folder), [
    null,
    'Cannot load tool "wrong": Cannot use "1h" as timeout of a tool: above 0, at most "300s"',
  ]);
  assert.equal(await load("gone", folder), [
    null,
    `Cannot load tool "gone": there is no file tools/gone.ts or tools/gone.js in ${folder}; write it with defineTool, or copy it from workflows/tools of the latchhook package, if it has it`,
  ]);
});

test.run();
