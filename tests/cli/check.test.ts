import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { runCommand } from "../../lib/cli/commands.ts";
import { Kept } from "../support/kept.ts";
import { spawnProgram } from "../support/spawn-server.ts";
import { removeFolder, tempFolder } from "../support/temp-folder.ts";

const API = new URL("../../mod.ts", import.meta.url).href;
const BIN = new URL("../../bin/latchhook.ts", import.meta.url);

const test = suite<{ folder: string }>("cli/check");
test.before.each(async (t) => {
  t.folder = await tempFolder();
});
test.after.each((t) => removeFolder(t.folder));

async function check(
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  const [stdout, stderr] = [new Kept(), new Kept()];
  const open = () => {
    throw new Error("nothing is served here");
  };
  const { signal } = new AbortController();
  const code = await runCommand(["check", ...args], open, {
    env,
    stdin: Readable.from([]),
    stdout,
    stderr,
    signal,
  });
  return { code, out: stdout.text, err: stderr.text };
}

async function write(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

const sound = `schema_version: "1.0"
flow: { name: x }
state: { fields: { n: { type: int } } }
nodes: [{ id: a, set: { n: 1 } }]
edges: [{ from: START, to: a }, { from: a, to: END }]
`;
const files = {
  "good.yaml": `${sound}storage: { backend: sqlite }\n`,
  "bad.yaml": sound.replace("n: 1", "m: 1").replace("to: END", "to: EDN"),
  "worse.js": "export default 1;",
};
const lines = (folder: string): string[] => {
  const at = (file: string): string => join(folder, file);
  return [
    `${at("bad.yaml")}:4:25: Cannot write "m": state.fields has no such field; known are n`,
    `${at("bad.yaml")}:5:44: Cannot follow the edge to "EDN": did you mean "END"?`,
    `${at("worse.js")}: its default export is no workflow; write export default defineWorkflow({ ... })`,
    `${at("good.yaml")}:6:1: storage does nothing here (a warning)`,
    "1 workflow without faults, 3 faults, 1 warning",
  ];
};

test("every fault of a folder is named with file, line and column, then the warnings, and the exit code is 1", async ({
  folder,
}) => {
  await write(folder, files);
  const { code, out, err } = await check([folder]);
  assert.equal(out.trimEnd().split("\n"), lines(folder));
  assert.is(code, 1);
  assert.is(err, "");
  const named = await check([], { WORKFLOWS_DIR: folder });
  assert.equal(named, { code: 1, out, err: "" });
});

test("without faults the exit code is 0, warnings or not", async ({ folder }) => {
  await write(folder, { "good.yaml": files["good.yaml"] });
  const { code, out } = await check([folder]);
  assert.is(code, 0);
  assert.match(out, /\n1 workflow without faults, 0 faults, 1 warning\n$/);
});

test("--json says the same to a program", async ({ folder }) => {
  await write(folder, files);
  const { code, out } = await check([folder, "--json"]);
  assert.is(code, 1);
  const { ok, workflows, faults, warnings } = JSON.parse(out);
  assert.equal([ok, workflows], [false, ["good"]]);
  assert.equal(faults[0], {
    file: join(folder, "bad.yaml"),
    line: 4,
    column: 25,
    detail: 'Cannot write "m": state.fields has no such field; known are n',
  });
  assert.equal([faults.length, warnings.length, warnings[0].line], [3, 1, 6]);
});

test("single files are looked at with the workflows that they run", async ({ folder }) => {
  await write(folder, {
    ...files,
    "parent.yaml": sound.replace("set: { n: 1 }", "workflow: bad"),
    "lone.yaml": sound.replace("set: { n: 1 }", "workflow: nowhere"),
    "wrong.yaml": sound.replace("set: { n: 1 }", "workflow: good, inputs: { m: 1 }"),
  });
  assert.is((await check([join(folder, "good.yaml")])).code, 0);
  const { code, out } = await check([join(folder, "parent.yaml"), join(folder, "lone.yaml")]);
  assert.is(code, 1);
  assert.match(out, /bad\.yaml:4:25: Cannot write "m"/);
  assert.match(out, /lone\.yaml:4:18: Cannot run workflow "nowhere"/);
  assert.match(
    (await check([join(folder, "wrong.yaml")])).out,
    /^\S+wrong\.yaml:4:\d+: Cannot hand "m" to workflow "good": it has no such field; known are n\n/,
  );
});

test("what the workflows need of the environment is looked for, and our own secrets are not there", async ({
  folder,
}) => {
  await write(folder, {
    "env.yaml": `${sound}env: [API_TOKEN]\n`,
    "secret.yaml": `${sound}env: [WEBHOOK_SECRET_GITHUB]\n`,
  });
  const env = { API_TOKEN: "t0ken-t0ken", WEBHOOK_SECRET_GITHUB: "s3cret-s3cret" };
  const { out } = await check([folder], env);
  assert.not.match(out, "env.yaml");
  assert.match(out, /secret\.yaml:6:7: Cannot use WEBHOOK_SECRET_GITHUB in a flow/);
  assert.match(
    (await check([join(folder, "env.yaml")])).out,
    /env\.yaml:6:7: Cannot use API_TOKEN: it is not set/,
  );
  assert.not.match(out, "s3cret");
});

test("a file that writes to the terminal what it likes does not", async ({ folder }) => {
  await write(folder, { "evil.yaml": sound.replace("n: 1", '"m\\u001b[2J\\u009b2J\\u202e": 1') });
  for (const options of [[], ["--json"]]) {
    const { out } = await check([folder, ...options]);
    assert.not.match(out, /[^\P{C}\n]/u);
    assert.match(out, /Cannot write/);
  }
  const { faults } = JSON.parse((await check([folder, "--json"])).out);
  assert.match(faults[0].detail, '"m\\u001b[2J\u009b2J\u202e"');
});

test("a provider that a start would not know is a fault where it is named, and one of the user's own is none", async ({
  folder,
}) => {
  await write(folder, {
    "a.yaml": `${sound}on:\n  - { provider: github }\n  - { provider: githb }\n  - { provider: acme-x }\n`,
    "b.js": `import { defineWorkflow } from ${JSON.stringify(API)};
export default defineWorkflow({ on: [{ provider: "strpe" }], run: () => 1 });`,
    // Else tsx takes it for CommonJS and loads the library a second time as that, whose line numbers c8 would mix up.
    "package.json": '{ "type": "module" }',
  });
  const { code, out } = await check([folder], { WEBHOOK_SCHEME_ACME_X: "github" });
  assert.is(code, 1);
  assert.equal(out.trimEnd().split("\n"), [
    `${join(folder, "a.yaml")}:8:7: Cannot take deliveries of provider "githb" without WEBHOOK_SCHEME_GITHB: did you mean "github"?`,
    `${join(folder, "b.js")}: Cannot take deliveries of provider "strpe" without WEBHOOK_SCHEME_STRPE: did you mean "stripe"?`,
    "0 workflows without faults, 2 faults, 0 warnings",
  ]);
  assert.match((await check([join(folder, "a.yaml")])).out, /a\.yaml:9:7: .*WEBHOOK_SCHEME_ACME_X/);
});

test("each workflow that a file runs is told of once and under its own name, however often it is run", async ({
  folder,
}) => {
  await write(folder, {
    "parent.yaml": sound
      .replace(
        "[{ id: a, set: { n: 1 } }]",
        "[{ id: a, workflow: one }, { id: b, workflow: two }, { id: c, workflow: one }]",
      )
      .replace("{ from: a, to: END }", "{ from: a, to: b }, { from: b, to: c }, { from: c, to: END }"),
    "one.yaml": sound.replace("n: 1", "m: 1"),
    "two.js": "export default 1;",
  });
  const paths = ["parent.yaml", "one.yaml", "parent.yaml"].map((name) => join(folder, name));
  const { out } = await check(paths);
  assert.equal(out.trimEnd().split("\n"), [
    `${join(folder, "one.yaml")}:4:25: Cannot write "m": state.fields has no such field; known are n`,
    `${join(folder, "two.js")}: its default export is no workflow; write export default defineWorkflow({ ... })`,
    "1 workflow without faults, 2 faults, 0 warnings",
  ]);
});

const modules: readonly [what: string, text: string, code: number, said: RegExp][] = [
  ["holds a timer open", "setInterval(() => {}, 1_000);", 0, /^1 workflow without faults, 0 faults/],
  ["ends the process", "process.exit(0);", 1, /^Cannot check .*: a module in it ends the process/],
];
for (const [what, text, code, said] of modules) {
  test(`with a module that ${what} the program ends with ${code}`, async ({ folder }) => {
    await write(folder, {
      "a.js": `import { defineWorkflow } from ${JSON.stringify(API)};
export default defineWorkflow({ run: () => 1 });
${text}`,
      "package.json": '{ "type": "module" }',
    });
    const program = spawnProgram({ file: BIN, args: ["check", folder] });
    assert.equal(await program.ended(), { code, signal: null });
    assert.match(program.said.stdout + program.said.stderr, said);
  });
}

test("a path that is not there is a fault, and an unknown option is called wrongly", async ({ folder }) => {
  const { code, out } = await check([join(folder, "none")]);
  assert.is(code, 1);
  assert.match(out, /none: there is no such file or folder/);
  const wrong = await check(["--jsn"]);
  assert.is(wrong.code, 2);
  assert.match(wrong.err, /latchhook check \[PATH\.\.\.\]/);
});

test.run();
