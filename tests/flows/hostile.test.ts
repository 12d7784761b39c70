import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { silentLog } from "../../lib/log.ts";
import { loadWorkflows } from "../../lib/workflows/load.ts";
import { rejects } from "../support/rejects.ts";
import { removeFolder, tempFolder } from "../support/temp-folder.ts";

const test = suite<{ folder: string }>("flows/hostile");
test.before.each(async (t) => {
  t.folder = await tempFolder();
});
test.after.each((t) => removeFolder(t.folder));

const flow = (parts: { fields?: string; nodes?: string; edges?: string; more?: string } = {}): string =>
  `schema_version: "1.0"
flow: { name: x }
state: { fields: { n: { type: int }, text: { type: str }, list: { type: list }${parts.fields ?? ""} } }
nodes: ${parts.nodes ?? "[{ id: a, set: { n: 1 } }]"}
edges: ${parts.edges ?? "[{ from: START, to: a }, { from: a, to: END }]"}
${parts.more ?? ""}`;

const levels = (depth: number): string =>
  Array.from(
    { length: depth },
    (_, level) => `l${level}: &l${level} [${level === 0 ? "x" : `*l${level - 1},`.repeat(9)}]`,
  ).join("\n");

const many = (count: number): { nodes: string; edges: string } => {
  const ids = Array.from({ length: count }, (_, index) => `n${index}`);
  const way = ["START", ...ids, "END"];
  return {
    nodes: `\n${ids.map((id) => `  - { id: ${id}, set: { n: 1 } }`).join("\n")}`,
    edges: `\n${way
      .slice(1)
      .map((to, index) => `  - { from: ${way[index]}, to: ${to} }`)
      .join("\n")}`,
  };
};

const route = (logic: string): string =>
  `[{ from: START, routes: [{ condition: { logic: ${JSON.stringify(logic)} }, to: a }, { condition: { logic: default }, to: END }] }, { from: a, to: END }]`;

/** Every one of them is refused in a moment, in its place where it has one, and costs no memory. */
const refused: readonly [what: string, text: string | Uint8Array, message: RegExp][] = [
  [
    "a bomb of aliases",
    `${levels(9)}\n${flow()}`,
    /x\.yaml:1:1: Cannot read the file's aliases \(at most 100\)/,
  ],
  [
    "10 MB",
    `# ${"x".repeat(10_000_000)}\n${flow()}`,
    /x\.yaml:1:1: Cannot read a flow of more than 1048576 bytes: split it/,
  ],
  ["10 MB of lists", "[".repeat(10_000_000), /more than 1048576 bytes/],
  [
    "keys that stand twice",
    flow({ more: "nodes: []" }),
    /x\.yaml:6:1: Cannot use "nodes" twice: it stands in line 4 already/,
  ],
  [
    "tabs",
    flow({ nodes: "\n\t- id: a" }),
    /x\.yaml:5:1: Cannot read the file: Tabs are not allowed as indentation/,
  ],
  ["a code's tag", flow({ more: 'x: !!js/function "function () {}"' }), /Unresolved tag/],
  [
    "a merge key",
    flow({ fields: "", more: "base: &b { a: 1 }\nx: { <<: *b }" }),
    /Cannot use "base" in the flow/,
  ],
  ["NUL characters", 'schema_version: "1.0"\u0000\n', /x\.yaml/],
  ["bytes that are no UTF-8", new Uint8Array([0xff, 0xfe, 0x00, 0x61]), /x\.yaml/],
  [
    "the prototype in a template",
    flow({ nodes: '[{ id: a, set: { text: "{state.__proto__.x}" } }]' }),
    /x\.yaml:4:\d+: Cannot read \{state\.__proto__\.x\}/,
  ],
  [
    "the constructor in a template",
    flow({ nodes: '[{ id: a, set: { text: "{constructor.name}" } }]' }),
    /state\.fields has no "constructor"/,
  ],
  [
    "a field named __proto__",
    flow({ fields: ", __proto__: { type: str }" }),
    /Cannot name a field "__proto__"/,
  ],
  [
    "code in a template",
    flow({ nodes: '[{ id: a, set: { text: "{process.exit(1)}" } }]' }),
    /"\{" opens no lookup/,
  ],
  [
    "an id of a path",
    flow({ nodes: '[{ id: "../../x", set: { n: 1 } }]' }),
    /Cannot use "\.\.\/\.\.\/x" as id/,
  ],
  [
    "a function of another folder",
    flow({ nodes: '[{ id: a, run: "../../../etc/x.js#f" }]' }),
    /give a file of the workflows folder/,
  ],
  ["a thousand nodes and one", flow(many(1_001)), /give at most 1000 nodes/],
  [
    "a condition of a million characters",
    flow({ edges: route(`true && ${"true && ".repeat(125_000)}true`) }),
    /at most 4096 can be used/,
  ],
  ["a condition of many parts", flow({ edges: route("!".repeat(600)) }), /Cannot use .* as a condition/],
  [
    "a regular expression that goes back",
    flow({ edges: route(`state.text.matches("(a+)+$")`), nodes: "[{ id: a, set: { n: x } }]" }),
    /expected int, found str/,
  ],
  [
    "loops without end",
    flow({ edges: "[{ from: START, to: a }, { from: a, to: a }]" }),
    /Cannot run the cycle a -> a/,
  ],
  [
    "types in types",
    flow({ fields: `, deep: { type: "${"list[".repeat(50)}str${"]".repeat(50)}" }` }),
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
  const text = flow({
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
  await writeFile(join(inside, "x.yaml"), flow({ nodes: "[{ id: a, run: _link.js#f }]" }));
  await rejects(
    loadWorkflows(inside, { isNamed: true, env: {}, log: silentLog }),
    /x\.yaml:4:\d+: Cannot load "_link\.js": there is no file/,
  );
});

test.run();
