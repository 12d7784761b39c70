import { createHash } from "node:crypto";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebhookError } from "../../lib/errors.ts";
import { type Log, silentLog } from "../../lib/log.ts";
import { loadWorkflowFile, loadWorkflows } from "../../lib/workflows/load.ts";
import { rejects } from "../support/rejects.ts";
import { removeFolder, tempFolder } from "../support/temp-folder.ts";

const test = suite<{ folder: string }>("workflows/load");
test.before.each(async (t) => {
  t.folder = await tempFolder();
  await write(t.folder, "package.json", '{"type": "module"}');
  t.folder = join(t.folder, "workflows");
  await mkdir(t.folder);
});
test.after.each((t) => removeFolder(dirname(t.folder)));

const define = pathToFileURL(join(import.meta.dirname, "../../lib/define-workflow.ts")).href;
const code = `import { defineWorkflow } from ${JSON.stringify(define)};
export default defineWorkflow({ description: "code", run: () => null });`;
const flow = `schema_version: "1.0"
flow: { name: x, description: flow }
state: { fields: { n: { type: int } } }
nodes: [{ id: a, set: { n: 1 } }]
edges: [{ from: START, to: a }, { from: a, to: END }]
`;

test("every ending is loaded, by name, with the hash of its file", async ({ folder }) => {
  await write(folder, "e.ts", code.replace("run: () =>", "run: (): null =>"));
  await write(folder, "d.js", code);
  await write(folder, "c.yaml", flow);
  await write(folder, "b.yml", flow);
  await write(folder, "a.json", jsonFlow());
  const loaded = await load(folder);
  assert.equal(
    loaded.map(({ name, workflow }) => `${name} ${workflow.kind} ${workflow.description}`),
    ["a flow flow", "b flow flow", "c flow flow", "d code code", "e code code"],
  );
  const hash = createHash("sha256").update(flow).digest("hex");
  assert.is(loaded[1]?.fileHash, hash);
  assert.is(loaded[2]?.fileHash, hash);
});

test("a file: URL names the folder as well as a path does", async ({ folder }) => {
  await write(folder, "a.yaml", flow);
  const loaded = await loadWorkflows(pathToFileURL(`${folder}/`), { isNamed: true, env: {}, log: silentLog });
  assert.equal(
    loaded.map(({ name }) => name),
    ["a"],
  );
});

test("what is no workflow is left alone, even where it could not be loaded", async ({ folder }) => {
  for (const name of [
    "_helper.ts",
    ".hidden.yaml",
    "a.test.ts",
    "a.d.ts",
    "README.md",
    "a.yaml.bak",
    "b.mts",
    "Makefile",
    "package.json",
    "tsconfig.json",
    "deno.json",
  ]) {
    await write(folder, name, "this is { no code");
  }
  for (const name of ["sub", "sub.ts", "tools"]) {
    await mkdir(join(folder, name));
    await write(join(folder, name), "inner.yaml", "no flow");
  }
  await write(folder, "a.yaml", flow);
  assert.equal(
    (await load(folder)).map(({ name }) => name),
    ["a"],
  );
});

test("each file that does not load is named with its reasons, a line each, and the others are looked at too", async ({
  folder,
}) => {
  await write(folder, "broken.ts", "export default {");
  await write(folder, "empty.js", "export const x = 1;");
  await write(folder, "fine.yaml", flow);
  await write(folder, "flow.yaml", flow.replace("n: 1", "m: 1").replace("to: END", "to: b"));
  await write(folder, "Upper.yaml", flow);
  await write(folder, "fine.json", "{");
  await write(folder, "throws.js", 'throw new Error("boom");');
  await rejects(load(folder), (error) => {
    assert.ok(error instanceof WebhookError && error.code === "workflows_not_loaded");
    assert.ok(error.cause instanceof AggregateError && error.cause.errors.length === 6);
    const lines = error.message.split("\n");
    assert.is(lines[0], `Cannot load workflows of ${folder}`);
    assert.equal([...new Set(lines.slice(1).map((line) => line.split(":")[0]))].sort(), [
      "Upper.yaml",
      "broken.ts",
      "empty.js",
      "fine.json",
      "flow.yaml",
      "throws.js",
    ]);
    const text = lines.join("\n");
    assert.match(text, /^Upper\.yaml: its name is no workflow's: rename it to 1 to 64 lower-case/m);
    assert.match(text, /^empty\.js: it has no default export/m);
    assert.match(text, /^flow\.yaml:4:\d+: Cannot write "m"/m);
    assert.match(text, /^flow\.yaml:5:\d+: Cannot follow the edge to "b"/m);
    assert.match(text, /^throws\.js: boom$/m);
  });
});

test("a module that does not find latchhook is told where to put it", async ({ folder }) => {
  const taking =
    'import { defineWorkflow } from "latchhook"; export default defineWorkflow({ run: () => 1 });';
  await write(folder, "a.js", taking);
  await write(folder, "b.js", 'import "not-installed"; export default 1;');
  await rejects(load(folder), (error) => {
    const [, a = "", ...b] = error.message.split("\n");
    assert.is(
      a,
      "a.js: it imports latchhook, and there is no such package beside it; put the folder into a project that has it, or run npm install latchhook there",
    );
    assert.match(b.join("\n"), "not-installed");
  });
});

test("two files of one name are refused, and both are named", async ({ folder }) => {
  await write(folder, "a.js", code);
  await write(folder, "a.yaml", flow);
  await rejects(load(folder), /^a\.yaml: its name is taken by a\.js; rename one$/m);
});

test("a link within the folder is followed, one that leads out is refused", async ({ folder }) => {
  await write(folder, "_shared.yaml", flow);
  await symlink(join(folder, "_shared.yaml"), join(folder, "inside.yaml"));
  assert.equal(
    (await load(folder)).map(({ name }) => name),
    ["inside"],
  );
  // A neighbour whose path begins like the folder's.
  await mkdir(`${folder}-2`);
  await write(`${folder}-2`, "secret.yaml", flow);
  await symlink(join(`${folder}-2`, "secret.yaml"), join(folder, "outside.yaml"));
  await symlink(join(folder, "nowhere.yaml"), join(folder, "dangling.yaml"));
  await rejects(load(folder), (error) => {
    assert.match(
      error.message,
      /^outside\.yaml: it is a link that leads out of the folder; copy the file here$/m,
    );
    assert.match(error.message, /^dangling\.yaml: .*ENOENT/m);
  });
});

test("the folder itself may be a link", async ({ folder }) => {
  await write(folder, "a.yaml", flow);
  await symlink(folder, `${folder}-link`);
  assert.equal(
    (await load(`${folder}-link`)).map(({ name }) => name),
    ["a"],
  );
});

test("a missing folder warns where nobody named it, and stops where somebody did", async ({ folder }) => {
  const missing = join(folder, "missing");
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) };
  assert.equal(await loadWorkflows(missing, { isNamed: false, env: {}, log }), []);
  assert.is(warnings.length, 1);
  await rejects(loadWorkflows(missing, { isNamed: true, env: {}, log }), (error) => {
    assert.ok(error instanceof WebhookError && error.code === "workflows_not_loaded");
    assert.is(
      error.message,
      `Cannot load workflows of ${missing}: there is no such folder; make it or name another`,
    );
  });
  assert.is(warnings.length, 1);
});

test("a file in the folder's place is refused", async ({ folder }) => {
  await write(folder, "a.yaml", flow);
  await rejects(load(join(folder, "a.yaml")), /a\.yaml: it is no folder/);
});

test("an empty folder is no workflows and no error", async ({ folder }) => {
  assert.equal(await load(folder), []);
});

test("one file is loaded wherever it lies and whatever its name, and another ending is refused", async ({
  folder,
}) => {
  await write(folder, "Any Name.yaml", flow);
  assert.is((await loadWorkflowFile(join(folder, "Any Name.yaml"), {})).kind, "flow");
  assert.is((await loadWorkflowFile(pathToFileURL(join(folder, "Any Name.yaml")), {})).kind, "flow");
  await rejects(
    loadWorkflowFile(join(folder, "a.txt"), {}),
    /Cannot load a\.txt as a workflow: give a file that ends in/,
  );
});

test("the examples of this repository load", async () => {
  const loaded = await load(join(import.meta.dirname, "../../workflows"));
  const expected = ["reminder", "simple_workflow", "test"];
  assert.equal(
    loaded.map(({ name }) => name).filter((name) => expected.includes(name)),
    expected,
  );
});

function load(folder: string): ReturnType<typeof loadWorkflows> {
  return loadWorkflows(folder, { isNamed: true, env: {}, log: silentLog });
}

function write(folder: string, name: string, text: string): Promise<void> {
  return writeFile(join(folder, basename(name)), text);
}

function jsonFlow(): string {
  return JSON.stringify({
    schema_version: "1.0",
    flow: { name: "x", description: "flow" },
    state: { fields: { n: { type: "int" } } },
    nodes: [{ id: "a", set: { n: 1 } }],
    edges: [
      { from: "START", to: "a" },
      { from: "a", to: "END" },
    ],
  });
}

test.run();
