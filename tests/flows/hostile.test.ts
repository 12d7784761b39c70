import { mkdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { silentLog } from "../../lib/log.ts";
import { loadWorkflows } from "../../lib/workflows/load.ts";
import { flowText, nodesInRow } from "../support/flow-text.ts";
import { rejects } from "../support/rejects.ts";
import { removeFolder, tempFolder } from "../support/temp-folder.ts";

const test = suite<{ folder: string }>("flows/hostile");
test.before.each(async (t) => {
  t.folder = await tempFolder();
});
test.after.each((t) => removeFolder(t.folder));

const levels = (depth: number): string =>
  Array.from(
    { length: depth },
    (_, level) => `l${level}: &l${level} [${level === 0 ? "x" : `*l${level - 1},`.repeat(9)}]`,
  ).join("\n");

const route = (logic: string): string =>
  `[{ from: START, routes: [{ condition: { logic: ${JSON.stringify(logic)} }, to: a }, { condition: { logic: default }, to: END }] }, { from: a, to: END }]`;

/** Every one of them is refused in a moment, in its place where it has one, and costs no memory. */
const refused: readonly [what: string, text: string | Uint8Array, message: RegExp][] = [
  [
    "a bomb of aliases",
    `${levels(9)}\n${flowText()}`,
    /x\.yaml:1:1: Cannot read the file's aliases \(at most 100\)/,
  ],
  [
    "10 MB",
    `# ${"x".repeat(10_000_000)}\n${flowText()}`,
    /x\.yaml:1:1: Cannot read a flow of more than 1048576 bytes: split it/,
  ],
  ["10 MB of lists", "[".repeat(10_000_000), /more than 1048576 bytes/],
  [
    "keys that stand twice",
    flowText({ more: "nodes: []" }),
    /x\.yaml:6:1: Cannot use "nodes" twice: it stands in line 4 already/,
  ],
  [
    "tabs",
    flowText({ nodes: "\n\t- id: a" }),
    /x\.yaml:5:1: Cannot read the file: Tabs are not allowed as indentation/,
  ],
  ["a code's tag", flowText({ more: 'x: !!js/function "function () {}"' }), /Unresolved tag/],
  ["a merge key", flowText({ fields: "", more: "base: &b { a: 1 }\nx: { <<: *b }" }), /Cannot merge by "<<"/],
  [
    "NUL characters",
    flowText().replace("name: x", "name: a\u0000x"),
    /x\.yaml:2:16: Cannot read control character U\+0000: take it out, or write "\\u0000" in quotes/,
  ],
  [
    "what clears a screen",
    flowText().replace("name: x", "name: \u009b2J"),
    /x\.yaml:2:15: Cannot read control character U\+009B/,
  ],
  ["UTF-16", new Uint8Array([0xff, 0xfe, 0x61, 0x00]), /x\.yaml:1:1: Cannot read the file as UTF-8/],
  [
    "a letter of another encoding",
    Buffer.from(flowText().replace("name: x", "name: caf\u00e9"), "latin1"),
    /x\.yaml:2:18: Cannot read the file as UTF-8: save it in that encoding/,
  ],
  [
    "the prototype in a template",
    flowText({ nodes: '[{ id: a, set: { text: "{state.__proto__.x}" } }]' }),
    /x\.yaml:4:\d+: Cannot read \{state\.__proto__\.x\}/,
  ],
  [
    "the constructor in a template",
    flowText({ nodes: '[{ id: a, set: { text: "{constructor.name}" } }]' }),
    /state\.fields has no "constructor"/,
  ],
  [
    "a field named __proto__",
    flowText({ fields: ", __proto__: { type: str }" }),
    /Cannot name a field "__proto__"/,
  ],
  [
    "code in a template",
    flowText({ nodes: '[{ id: a, set: { text: "{process.exit(1)}" } }]' }),
    /"\{" opens no lookup/,
  ],
  [
    "an id of a path",
    flowText({ nodes: '[{ id: "../../x", set: { n: 1 } }]' }),
    /Cannot use "\.\.\/\.\.\/x" as id/,
  ],
  [
    "a function of another folder",
    flowText({ nodes: '[{ id: a, run: "../../../etc/x.js#f" }]' }),
    /give a file of the workflows folder/,
  ],
  [
    "a thousand nodes and one",
    flowText(nodesInRow(1_001)),
    /^[^\n]*\nx\.yaml:4:1: Cannot use .* as nodes: give at most 1000 nodes: make it several workflows$/,
  ],
  [
    "ten thousand nodes",
    flowText(nodesInRow(10_000)),
    /x\.yaml:1:1: Cannot read a flow of more than 250000 words and signs: split it/,
  ],
  [
    "an id of 100,000 letters",
    flowText({ nodes: `[{ id: ${"a".repeat(100_000)}, set: { n: 1 } }]` }),
    /Cannot use "a{56}\.\.\. as id: give letters/,
  ],
  [
    "an id of the prototype",
    flowText({ nodes: "[{ id: __proto__, set: { n: 1 } }]" }),
    /Cannot use "__proto__" as id/,
  ],
  [
    "an input named constructor",
    flowText({ nodes: "[{ id: a, inputs: { constructor: 1 }, set: { n: 1 } }]" }),
    /Cannot name an input "constructor"/,
  ],
  [
    "a write to the prototype",
    flowText({ nodes: "[{ id: a, set: { __proto__: 1, n: 1 } }]" }),
    /Cannot write "__proto__": state\.fields has no such field/,
  ],
  [
    "a kind of the prototype",
    flowText({ nodes: "[{ id: a, toString: 1 }]" }),
    /Cannot use "toString" in nodes\[0\]/,
  ],
  [
    "a tag of another's",
    `%TAG ! tag:evil.example,2000:\n---\n${flowText({ more: "x: !y z" })}`,
    /Unresolved tag/,
  ],
  [
    "an alias to what it stands in",
    flowText({ more: "x: &a { y: *a }" }),
    /Cannot follow \*a: it stands in what/,
  ],
  [
    "a condition of a million characters",
    flowText({ edges: route(`true && ${"true && ".repeat(125_000)}true`) }),
    /at most 4096 can be used/,
  ],
  ["a condition of many parts", flowText({ edges: route("!".repeat(600)) }), /Cannot use .* as a condition/],
  [
    "a regular expression that goes back",
    flowText({ edges: route(`state.text.matches("(a+)+$")`), nodes: "[{ id: a, set: { n: x } }]" }),
    /expected int, found str/,
  ],
  [
    "loops without end",
    flowText({ edges: "[{ from: START, to: a }, { from: a, to: a }]" }),
    /Cannot run the cycle a -> a/,
  ],
  [
    "types in types",
    flowText({ fields: `, deep: { type: "${"list[".repeat(50)}str${"]".repeat(50)}" }` }),
    /as type of field "deep"/,
  ],
];
for (const [what, text, message] of refused) {
  test(`${what}: refused, in time`, async ({ folder }) => {
    await writeFile(join(folder, "x.yaml"), text);
    const startedAt = performance.now();
    await rejects(loadWorkflows(folder, { isNamed: true, env: {}, log: silentLog }), message);
    const tookMs = performance.now() - startedAt;
    assert.ok(tookMs < 5_000, `took ${tookMs} ms`);
  });
}

test("of a file that is far too large no more is read than tells so", async ({ folder }) => {
  const file = join(folder, "x.yaml");
  await writeFile(file, flowText());
  // Mostly a hole, which takes no room on the disk.
  await truncate(file, 5_000_000_000);
  const before = process.memoryUsage().rss;
  await rejects(loadWorkflows(folder, { isNamed: true, env: {}, log: silentLog }), /more than 1048576 bytes/);
  assert.ok(process.memoryUsage().rss - before < 100_000_000);
});

test("a text of one long word in braces is looked at in time", async ({ folder }) => {
  const text = `schema_version: "1.0"
flow: { name: x }
state: { fields: { s: { type: str } } }
nodes: [{ id: a, set: { s: "{{${"a".repeat(900_000)}" } }]
edges: [{ from: START, to: a }, { from: a, to: END }]
`;
  await writeFile(join(folder, "long.yaml"), text);
  const startedAt = performance.now();
  const loaded = await loadWorkflows(folder, { isNamed: true, log: silentLog, env: {} });
  assert.is(loaded.length, 1);
  assert.ok(performance.now() - startedAt < 3_000);
});

test("a thousand nodes in two hundred branches are loaded in time", async ({ folder }) => {
  const branches = Array.from({ length: 200 }, (_, index) => `b${index}`);
  const fields = branches.map((id) => `, ${id}: { type: str }`).join("");
  const nodes = branches.flatMap((id) =>
    [0, 1, 2, 3].map((step) => `  - { id: ${id}_${step}, set: { ${id}: "x" } }`),
  );
  const edges = branches.flatMap((id) => [
    ...[0, 1, 2].map((step) => `  - { from: ${id}_${step}, to: ${id}_${step + 1} }`),
    `  - { from: ${id}_3, to: join }`,
  ]);
  const text = flowText({
    fields,
    nodes: `\n${[...nodes, "  - { id: join, set: { n: 1 } }"].join("\n")}`,
    edges: `\n  - { from: START, to: [${branches.map((id) => `${id}_0`).join(", ")}] }\n${edges.join("\n")}\n  - { from: join, to: END }`,
  });
  await writeFile(join(folder, "x.yaml"), text);
  const startedAt = performance.now();
  assert.is((await loadWorkflows(folder, { isNamed: true, env: {}, log: silentLog })).length, 1);
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs < 10_000, `took ${tookMs} ms`);
});

test("a module outside of the folder is not imported, whatever link leads there", async ({ folder }) => {
  const { symlink } = await import("node:fs/promises");
  const inside = join(folder, "workflows");
  await mkdir(inside);
  await writeFile(join(folder, "outside.js"), "export const f = () => 1;");
  await symlink(join(folder, "outside.js"), join(inside, "_link.js"));
  await writeFile(join(inside, "x.yaml"), flowText({ nodes: "[{ id: a, run: _link.js#f }]" }));
  await rejects(
    loadWorkflows(inside, { isNamed: true, env: {}, log: silentLog }),
    /x\.yaml:4:\d+: Cannot load "_link\.js": there is no file/,
  );
});

test.run();
