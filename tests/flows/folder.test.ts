import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { runWorkflowAsync } from "../../lib/runner/run-workflow.ts";
import { chargeStray } from "../../lib/stray.ts";
import { createInnerLatchhook } from "../../lib/wiring/latchhook.ts";
import { openLatchhook, type RunView, type TestLatchhook } from "../support/open-latchhook.ts";
import { rejects } from "../support/rejects.ts";
import { removeFolder, tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";

const test = suite<{ folder: string; opened: TestLatchhook[] }>("flows/folder");
test.before.each(async (t) => {
  t.opened = [];
  const root = await tempFolder();
  await writeFile(join(root, "package.json"), '{"type": "module"}');
  t.folder = join(root, "workflows");
  await mkdir(t.folder);
});
test.after.each(async (t) => {
  for (const opened of t.opened) await opened.close();
  await removeFolder(dirname(t.folder));
});

type Folder = { folder: string; opened: TestLatchhook[] };

const DEFINE = JSON.stringify(pathToFileURL(join(import.meta.dirname, "../../lib/define-workflow.ts")).href);

/** Writes the files and opens a Latchhook on them. */
async function open(
  t: Folder,
  files: Readonly<Record<string, string>>,
  options: object = {},
): Promise<TestLatchhook> {
  await write(t, files);
  const opened = await openLatchhook({ workflowsDir: t.folder, ...options });
  t.opened.push(opened);
  return opened;
}

async function write({ folder }: Folder, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
}

/** A flow of nodes in a row. */
function flow(fields: string, nodes: readonly string[], head = ""): string {
  const ids = nodes.map((node) => /id: (\w+)/.exec(node)?.[1] ?? "");
  const way = ["START", ...ids, "END"];
  return `schema_version: "1.0"
flow: { name: test }
${head}
state: { fields: { ${fields} } }
nodes:
${nodes.map((node) => `  - { ${node} }`).join("\n")}
edges:
${way
  .slice(1)
  .map((to, index) => `  - { from: ${way[index]}, to: ${to} }`)
  .join("\n")}
`;
}

const counting = `
const calls = (globalThis.calls ??= []);
export function count({ name }) { calls.push(name); return calls.length; }
export async function fail({ name }) { calls.push(name); if (calls.length < 3) throw new Error("not yet"); return calls.length; }
`;
const calls = (): string[] => {
  const list = (Reflect.get(globalThis, "calls") as string[] | undefined) ?? [];
  Reflect.set(globalThis, "calls", list);
  return list;
};

const stepsOf = (run: RunView): string[] => run.steps.map(({ name }) => name).sort();

test("a child's steps and its result are remembered, so that a retry of its parent runs nothing of it again", async (t) => {
  calls().length = 0;
  const { start, reaches, run, clock } = await open(t, {
    "_calls.js": counting,
    "child.yaml": flow("name: { type: str }, n: { type: int }", [
      "id: one, run: _calls.js#count, inputs: { name: child }, outputs: { n: result }",
    ]),
    "coded.js": `import { defineWorkflow } from ${DEFINE};
      import { count } from "./_calls.js";
      export default defineWorkflow({ run: ({ input }) => ({ n: count({ name: "coded " + input.x }) }) });`,
    "parent.yaml": flow("m: { type: int }, n: { type: int }, last: { type: int }", [
      "id: first, workflow: child, inputs: { name: x }, outputs: { n: result.n }",
      'id: second, workflow: coded, inputs: { x: "{n}" }, outputs: { m: result.n }',
      "id: third, run: _calls.js#fail, inputs: { name: third }, outputs: { last: result }",
    ]),
  });
  const id = await start("parent");
  await reaches(id, "succeeded").catch(() => {});
  for (let left = 5; left > 0 && (await run(id)).status !== "succeeded"; left--) await clock.advance(600_000);
  const ended = await reaches(id, "succeeded");
  assert.equal(ended.result, { m: 2, n: 1, last: 3 });
  assert.equal(calls(), ["child", "coded 1", "third"]);
  assert.equal(stepsOf(ended), ["first", "first/one", "second", "third"]);
});

test("each step of a child has an idempotency key of its own, wherever the child is run", async (t) => {
  const { start, reaches } = await open(t, {
    "_keys.js": "export const keyOf = (_inputs, { idempotencyKey }) => idempotencyKey;",
    "between.yaml": flow("all: { type: dict }", [
      'id: in, workflow: pay, inputs: { given: "{idempotency_key}" }, outputs: { all: result }',
    ]),
    "pay.yaml": flow("given: { type: str }, ask: { type: str }, call: { type: str }", [
      'id: say, set: { ask: "{idempotency_key}" }',
      "id: tell, run: _keys.js#keyOf, outputs: { call: result }",
    ]),
    "parent.yaml": `schema_version: "1.0"
flow: { name: test }
state: { fields: { say: { type: str }, a: { type: dict }, b: { type: dict }, list: { type: list, default: [1, 2] }, one: { type: dict }, all: { type: list } } }
nodes:
  - { id: say, set: { say: "{idempotency_key}" } }
  - { id: a, workflow: pay, outputs: { a: result } }
  - { id: b, workflow: between, outputs: { b: result.all } }
  - { id: each, workflow: pay, outputs: { one: result } }
edges:
  - { from: START, to: say }
  - { from: say, to: a }
  - { from: a, to: b }
  - { from: b, parallel: { items_field: list, target_node: each, collect_field: all } }
  - { from: each, to: END }
`,
  });
  const id = await start("parent");
  const { result } = await reaches(id, "succeeded");
  const keys = (at: string): object => ({ ask: `${id}:${at}/say`, call: `${id}:${at}/tell` });
  assert.equal(result, {
    list: [1, 2],
    say: `${id}:say`,
    a: keys("a"),
    b: { ...keys("b/in"), given: `${id}:b/in` },
    all: [keys("each#1"), keys("each#2")],
  });
});

test("a child that sleeps lets its parent's attempt fall asleep, and goes on after it", async (t) => {
  calls().length = 0;
  const opened = await open(t, {
    "_calls.js": counting,
    "nap.js": `import { defineWorkflow } from ${DEFINE};
      import { count } from "./_calls.js";
      export default defineWorkflow({ async run({ step }) {
        await step("before", () => count({ name: "before" }));
        await step.sleep("nap", "1h");
        await step("after", () => count({ name: "after" }));
        return { done: true };
      } });`,
    "parent.yaml": flow("done: { type: bool }", ["id: wait, workflow: nap, outputs: [done]"]),
  });
  const { start, reaches, clock } = opened;
  const id = await start("parent");
  const asleep = await opened.waitsFor(id, "sleep");
  assert.is(asleep.waiting_for, "sleep");
  assert.equal(stepsOf(asleep), ["wait/before", "wait/nap"]);
  await clock.advance(3_600_000);
  const ended = await reaches(id, "succeeded");
  assert.equal(ended.result, { done: true });
  assert.equal(calls(), ["before", "after"]);
  assert.is(ended.attempts.length, 2);
});

test("a sleeping child does not end the work of a child beside it", async (t) => {
  calls().length = 0;
  const opened = await open(t, {
    "_calls.js": counting,
    "nap.js": `import { defineWorkflow } from ${DEFINE};
      export default defineWorkflow({ async run({ step }) { await step.sleep("nap", "1h"); return { a: true }; } });`,
    "work.js": `import { defineWorkflow } from ${DEFINE};
      import { count } from "./_calls.js";
      export default defineWorkflow({ async run() {
        count({ name: "begun" });
        for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
        count({ name: "done" });
        return { b: true };
      } });`,
    "parent.yaml": `schema_version: "1.0"
flow: { name: test }
state: { fields: { a: { type: bool }, b: { type: bool } } }
nodes: [{ id: nap, workflow: nap, outputs: [a] }, { id: work, workflow: work, outputs: [b] }]
edges: [{ from: START, to: [nap, work] }, { from: nap, to: END }, { from: work, to: END }]
`,
  });
  const { start, reaches, clock } = opened;
  const id = await start("parent");
  const asleep = await opened.waitsFor(id, "sleep");
  assert.equal(stepsOf(asleep), ["nap/nap", "work"]);
  assert.equal(calls(), ["begun", "done"]);
  await clock.advance(3_600_000);
  assert.equal((await reaches(id, "succeeded")).result, { a: true, b: true });
  assert.equal(calls(), ["begun", "done"]);
});

test("a child that does not take its inputs ends the run and says why", async (t) => {
  const { start, reaches } = await open(t, {
    "child.yaml": flow("n: { type: int, required: true }", ["id: a, set: { n: 1 }"]),
    "parent.yaml": flow("any: { type: dict, default: { n: text } }", [
      'id: a, workflow: child, inputs: { n: "{any.n}" }',
    ]),
  });
  const { error } = await reaches(await start("parent"), "failed");
  assert.is(
    error?.message,
    'Cannot run workflow "child" in node "a" with these inputs: /n: Expected int, found str',
  );
});

test("a failure is why an attempt ends, also where its time runs out over what runs beside it", async (t) => {
  const fork = `schema_version: "1.0"
flow: { name: test }
state: { fields: { a: { type: str }, b: { type: str }, never: { type: str } } }
nodes:
  - { id: bad, set: { a: "{never}" } }
  - { id: slow, run: _slow.js#slow, outputs: { b: result } }
edges: [{ from: START, to: [bad, slow] }, { from: bad, to: END }, { from: slow, to: END }]
config: { execution: { timeout: 2, max_retries: 3 } }
`;
  const { start, reaches, run, clock } = await open(t, {
    "_slow.js": `export const slow = (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));`,
    "fork.yaml": fork,
    "quick.yaml": fork.replace("timeout: 2", "timeout: 0.05"),
    "parent.yaml": flow(
      "n: { type: int }",
      ["id: x, workflow: fork"],
      "config: { execution: { timeout: 2 } }",
    ),
  });
  for (const name of ["fork", "parent"]) {
    const id = await start(name);
    await clock.advance(2_000);
    const { error, attempts } = await reaches(id, "failed");
    const why = 'Cannot fill {never} in node "bad": nothing has filled "never"; require it, ';
    const outer = name === "fork" ? "" : 'Cannot run workflow "fork" in node "x": ';
    assert.ok(error?.message.startsWith(outer + why), error?.message);
    assert.is(attempts.length, 1);
    assert.is((await run(id)).steps.length, 0);
  }
  await rejects(runWorkflowAsync(join(t.folder, "quick.yaml"), {}), /^Cannot fill \{never\} in node "bad"/);
});

test("what a parallel edge goes through is checked against the child that takes it", async (t) => {
  const each = (inputs: string): string => `schema_version: "1.0"
flow: { name: test }
state: { fields: { l: { type: "list[str]" }, n: { type: int }, all: { type: list }, item: { type: int } } }
nodes: [{ id: x, workflow: child, inputs: { ${inputs} }, outputs: { n: result.n } }]
edges:
  - { from: START, parallel: { items_field: l, target_node: x, collect_field: all } }
  - { from: x, to: END }
`;
  const child = flow("n: { type: int }, s: { type: str }", ["id: a, set: { n: 1 }"]);
  await open(t, { "child.yaml": child, "right.yaml": each('s: "{item}", n: "{index}"') });
  await write(t, { "wrong.yaml": each('n: "{item}", s: "{index}"') });
  await rejects(createInnerLatchhook({ workflowsDir: t.folder, storage: ":memory:" }).start(), (error) => {
    assert.equal(error.message.split("\n").slice(1), [
      'wrong.yaml:4:45: Cannot hand "{item}" to workflow "child" as n: expected int, and {item} is str',
      'wrong.yaml:4:58: Cannot hand "{index}" to workflow "child" as s: expected str, and {index} is int',
    ]);
  });
});

test("of a child's whole state only what is always there has to fit", async (t) => {
  const fields = "n: { type: int, required: true }, s: { type: str }, d: { type: int, default: 1 }";
  const o = (parts: string): string => `o: { type: object, schema: { ${parts} } }, n: { type: int }`;
  const parent = (parts: string): string =>
    flow(o(parts), ["id: x, workflow: child, inputs: { n: 1 }, outputs: { o: result }"]);
  await open(t, {
    "child.yaml": flow(fields, ["id: a, set: { n: 1 }"]),
    "right.yaml": parent("n: int, d: int"),
    "asked.yaml": parent("n: int, d: int, s: str"),
  });
  await write(t, { "wrong.yaml": parent("n: int"), "worse.yaml": parent("n: str, d: int") });
  await rejects(createInnerLatchhook({ workflowsDir: t.folder, storage: ":memory:" }).start(), (error) => {
    assert.match(
      error.message,
      /worse\.yaml:6:\d+: Cannot write result, which is object whose n is int, to o: expected object/,
    );
    assert.match(
      error.message,
      /wrong\.yaml:6:\d+: Cannot write result, which is object with d, to o: expected object/,
    );
    assert.is(error.message.split("\n").length, 3);
  });
});

test("beside a failure the step of a child that has begun ends and is remembered, and its next one does not begin", async (t) => {
  const begun: string[] = [];
  const gate = { begun, open: () => {} };
  Reflect.set(globalThis, "gate", gate);
  const { start, reaches, clock } = await open(t, {
    "_f.js": `const { gate } = globalThis;
      export const bad = () => Promise.reject(new Error("no luck"));
      export const one = () => (gate.begun.push("one"), new Promise((end) => { gate.open = () => end("1"); }));
      export const two = () => gate.begun.push("two");`,
    "kid.yaml": flow("a: { type: str }, b: { type: int }", [
      "id: one, run: _f.js#one, outputs: { a: result }",
      "id: two, run: _f.js#two, outputs: { b: result }",
    ]),
    "coded.js": `import { defineWorkflow } from ${DEFINE};
      import { one, two } from "./_f.js";
      export default defineWorkflow({ run: async ({ step }) => {
        await step("one", one);
        await step.sleep("nap", "1h");
        await step("two", two);
      } });`,
    ...Object.fromEntries(
      ["kid", "coded"].map((child) => [
        `over-${child}.yaml`,
        `schema_version: "1.0"
flow: { name: test }
state: { fields: { a: { type: str } } }
nodes: [{ id: bad, run: _f.js#bad }, { id: x, workflow: ${child} }]
edges: [{ from: START, to: [bad, x] }, { from: bad, to: END }, { from: x, to: END }]
config: { execution: { max_retries: 0 } }
`,
      ]),
    ),
  });
  for (const child of ["kid", "coded"]) {
    begun.length = 0;
    const id = await start(`over-${child}`);
    while (begun.length === 0) await clock.advance(0);
    gate.open();
    const { error, steps } = await reaches(id, "failed");
    assert.is(error?.message, 'Cannot run _f.js#bad in node "bad": no luck');
    assert.equal(begun, ["one"]);
    assert.equal(
      steps.map(({ name }) => name),
      ["x/one"],
    );
  }
  begun.length = 0;
  let isOver = false;
  const ended = runWorkflowAsync(join(t.folder, "over-kid.yaml"), {}).finally(() => {
    isOver = true;
  });
  const failed = rejects(ended, /^Cannot run _f\.js#bad in node "bad": no luck$/);
  while (begun.length === 0) await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.not(isOver);
  gate.open();
  await failed;
  assert.equal(begun, ["one"]);
});

test("a child of code that bears a step's failure does not take a step that was held back for one", async (t) => {
  const gate = { begun: 0, open: () => {} };
  Reflect.set(globalThis, "gate", gate);
  const { start, reaches, clock, run } = await open(t, {
    "_f.js": `let tries = 0;
      export const once = () => { if (tries++ === 0) throw new Error("no luck"); };
      export const one = () => (globalThis.gate.begun++, new Promise((end) => { globalThis.gate.open = end; }));`,
    "coded.js": `import { defineWorkflow } from ${DEFINE};
      import { one } from "./_f.js";
      export default defineWorkflow({ run: async ({ step }) => {
        await step("one", one);
        for (let tries = 0; tries < 3; tries++) {
          try { return { sent: await step("send-" + tries, () => true), tries }; } catch {}
        }
        return { sent: false, tries: 3 };
      } });`,
    "fork.yaml": `schema_version: "1.0"
flow: { name: test }
state: { fields: { sent: { type: bool }, tries: { type: int } } }
nodes: [{ id: bad, run: _f.js#once }, { id: x, workflow: coded, outputs: [sent, tries] }]
edges: [{ from: START, to: [bad, x] }, { from: bad, to: END }, { from: x, to: END }]
`,
  });
  const id = await start("fork");
  while (gate.begun === 0) await clock.advance(0);
  gate.open();
  for (let left = 20; left > 0 && (await run(id)).status !== "succeeded"; left--) await clock.advance(10_000);
  const { result, attempts, steps } = await reaches(id, "succeeded");
  assert.equal(result, { sent: true, tries: 0 });
  assert.equal(
    attempts.map(({ status }) => status),
    ["failed", "succeeded"],
  );
  assert.equal(steps.map(({ name }) => name).sort(), ["bad", "x", "x/one", "x/send-0"]);
});

test("an error that nobody caught does not take the place of the failure before it", async (t) => {
  const { start, reaches, clock } = await open(t, {
    "_f.js": `export const slow = (_, { signal }) => new Promise(() => setTimeout(() => {
        globalThis.charge(new Error("a stray"));
      }, 10));`,
    "fork.yaml": `schema_version: "1.0"
flow: { name: test }
state: { fields: { a: { type: str }, never: { type: str } } }
nodes: [{ id: bad, set: { a: "{never}" } }, { id: slow, run: _f.js#slow }]
edges: [{ from: START, to: [bad, slow] }, { from: bad, to: END }, { from: slow, to: END }]
`,
  });
  let charged = 0;
  Reflect.set(globalThis, "charge", (error: unknown) => {
    charged++;
    chargeStray(error);
  });
  const id = await start("fork");
  const isOver = until(() => charged > 0, "the stray to be charged");
  const ended = reaches(id, "failed");
  await isOver;
  // Past what an attempt that is over waits for.
  await clock.advance(60_000);
  const { error, attempts } = await ended;
  assert.match(error?.message ?? "", /^Cannot fill \{never\}/);
  assert.is(attempts.length, 1);
});

test("what a child of code returns is taken as JSON has it, and what it throws is told with its node", async (t) => {
  const coded = (body: string): string =>
    `import { defineWorkflow } from ${DEFINE}; export default defineWorkflow({ run: () => { ${body} } });`;
  const { start, reaches } = await open(t, {
    "dated.js": coded("return { at: new Date(0), none: undefined };"),
    "broken.js": coded('throw new Error("no luck");'),
    "taking.yaml": flow("at: { type: str }, all: { type: dict }", [
      "id: x, workflow: dated, outputs: { at: result.at, all: result }",
    ]),
    "failing.yaml": flow(
      "n: { type: int }",
      ["id: x, workflow: broken"],
      "config: { execution: { max_retries: 0 } }",
    ),
  });
  const at = "1970-01-01T00:00:00.000Z";
  assert.equal((await reaches(await start("taking"), "succeeded")).result, { at, all: { at } });
  const { error } = await reaches(await start("failing"), "failed");
  assert.is(error?.message, 'Cannot run workflow "broken" in node "x": no luck');
});

test("a workflow given in the options can be a child", async (t) => {
  const { defineWorkflow } = await import("../../lib/define-workflow.ts");
  const { start, reaches } = await open(
    t,
    { "parent.yaml": flow("n: { type: int }", ["id: a, workflow: given, outputs: [n]"]) },
    { workflows: { given: defineWorkflow({ run: () => ({ n: 7 }) }) } },
  );
  assert.equal((await reaches(await start("parent"), "succeeded")).result, { n: 7 });
});

const refused: readonly [what: string, files: Readonly<Record<string, string>>, ...lines: RegExp[]][] = [
  [
    "a child that there is not",
    { "a.yaml": flow("n: { type: int }", ["id: x, workflow: nope"]) },
    /^a\.yaml:6:14: Cannot run workflow "nope": there is none of this name here$/,
  ],
  [
    "workflows that run each other",
    {
      "a.yaml": flow("n: { type: int }", ["id: x, workflow: b"]),
      "b.yaml": flow("n: { type: int }", ["id: x, workflow: a"]),
      "c.yaml": flow("n: { type: int }", ["id: x, workflow: c"]),
    },
    /^a\.yaml:6:14: Cannot run workflow "b" here: it runs "a" itself$/,
    /^b\.yaml:6:14: Cannot run workflow "a" here: it runs "b" itself$/,
    /^c\.yaml:6:14: Cannot run workflow "c" here: it runs "c" itself$/,
  ],
  [
    "a child that is run with what it does not take, for what it does not give",
    {
      "a.yaml": flow("s: { type: str }, n: { type: int }, all: { type: dict }, item: { type: int }", [
        'id: x, workflow: child, inputs: { n: "{s}", nmae: x, o: { a: [1, "{n}"], b: 2 }, may: null }, outputs: { s: result.nmae }',
        'id: y, workflow: child, inputs: { n: 1.5, name: "{item}" }, outputs: [s, n]',
        "id: z, workflow: child, inputs: { n: 1, name: x }, outputs: { s: result.o.a.0, all: result, n: result.name, item: result }",
      ]),
      "child.yaml": flow(
        "n: { type: int, required: true }, name: { type: str, required: true }, may: { type: int, default: null }, o: { type: object, schema: { a: 'list[str]' } }",
        ["id: a, set: { n: 1 }"],
      ),
    },
    /^a\.yaml:6:14: Cannot run workflow "child" without "name": add it to the node's inputs$/,
    /^a\.yaml:6:41: Cannot hand "\{s\}" to workflow "child" as n: expected int, and \{s\} is str$/,
    /^a\.yaml:6:51: Cannot hand "nmae" to workflow "child": it has no such field; did you mean "name"\?$/,
    /^a\.yaml:6:60: .* as o\/a\/0: expected str, found int$/,
    /^a\.yaml:6:60: .* as o\/a\/1: expected str, and \{n\} is int$/,
    /^a\.yaml:6:60: .* as o\/b: expected no such part: the object has a$/,
    /^a\.yaml:6:\d+: Cannot take "nmae" for s: result has no "nmae"; did you mean "name"\?$/,
    /^a\.yaml:7:\d+: Cannot hand "\{item\}" to workflow "child" as name: expected str, and \{item\} is int$/,
    /^a\.yaml:7:41: Cannot hand 1\.5 to workflow "child" as n: expected int, found float$/,
    /^a\.yaml:7:\d+: Cannot take "s" for s: result has no "s"; known are n, name, may, o$/,
    /^a\.yaml:8:\d+: Cannot write result\.name, which is str, to n: expected int$/,
    /^a\.yaml:8:\d+: Cannot write result, which is object, to item: expected int$/,
  ],
  [
    "a function that there is not, a variable that is not set, and another file's faults",
    {
      "a.yaml": flow("n: { type: int }", ["id: x, run: _f.js#nope"], "env: [API_TOKEN]"),
      "_f.js": "export function yes() {}",
      "b.yaml": "x: 1",
      "c.yaml": flow("n: { type: int }", ["id: x, workflow: b"]),
    },
    /^a\.yaml:3:7: Cannot use API_TOKEN: it is not set in the environment/,
    /^a\.yaml:6:14: Cannot find function "nope" in _f\.js: it exports yes$/,
    /^b\.yaml:1:1: Cannot use "x" in the flow/,
    /^b\.yaml:1:1: Cannot load the flow without "schema_version"$/,
  ],
];
for (const [what, files, ...lines] of refused) {
  test(`${what} stops the start, each fault with its place`, async (t) => {
    await write(t, files);
    const latchhook = createInnerLatchhook({
      workflowsDir: t.folder,
      storage: ":memory:",
      allowUnsigned: ["generic"],
    });
    let found: string[] = [];
    const starts = latchhook.start().finally(() => latchhook.stop());
    await rejects(starts, (error) => {
      found = error.message.split("\n").slice(1);
    });
    for (const line of lines)
      assert.ok(
        found.some((each) => line.test(each)),
        `${line} in ${found.join("\n")}`,
      );
    const ofA = found.filter((each) => each.startsWith("a.yaml"));
    assert.is(ofA.length, lines.filter(({ source }) => source.startsWith("^a")).length, ofA.join("\n"));
  });
}

test("a variable of the environment that a flow does not declare cannot be read, and one that it declares can", async (t) => {
  await write(t, {
    "a.yaml": flow("n: { type: str }", ['id: x, set: { n: "{env.API_TOKEN}" }'], "env: [API_TOKEN]"),
  });
  await rejects(
    runWorkflowAsync(join(t.folder, "a.yaml"), {}, { env: { API_TOKEN: "t0ken" } }),
    /what is filled in is stored or shown/,
  );
});

test("keys of the original form that do nothing are warned of, each with its place", async (t) => {
  const { lines } = await open(t, {
    "a.yaml": `${flow("n: { type: int }", ["id: x, set: { n: 1 }, log_prompts: false"])}observability: { mlflow: { enabled: true } }
config: { storage: { backend: sqlite } }
`,
  });
  const warned = lines
    .filter(({ fields }) => fields.file !== undefined)
    .map(({ message, fields }) => `${fields.file}:${fields.line} ${message}`);
  assert.equal(warned, [
    "a.yaml:6 nodes[0].log_prompts does nothing here",
    "a.yaml:10 observability does nothing here",
    "a.yaml:11 config.storage does nothing here",
  ]);
});

test("wrong types of inputs are answered 422 with nothing stored, and coerced nowhere", async (t) => {
  const { latchhook, admin } = await open(t, {
    "a.yaml": flow("n: { type: int, required: true }, o: { type: object, schema: { a: str } }", [
      "id: x, set: { n: 1 }",
    ]),
  });
  const response = await latchhook.fetch(
    new Request("http://localhost/webhooks/generic", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ workflow_name: "a", inputs: { n: "1", o: { a: 1, b: 2 }, p: 1 } }),
    }),
  );
  assert.is(response.status, 422);
  const { errors } = (await response.json()) as { errors: { pointer: string; detail: string }[] };
  assert.equal(
    errors.map(({ pointer, detail }) => `${pointer} ${detail}`),
    [
      "/inputs/n Expected int, found str",
      "/inputs/o/a Expected str, found int",
      "/inputs/o/b Expected no such part: the object has a",
      "/inputs/p Unknown input: the flow takes n, o",
    ],
  );
  assert.equal((await admin("GET", "/events")).json.items, []);
});

test("a delivery fills fields from body, headers and event, and other keys of its body are ignored", async (t) => {
  const { latchhook, admin, reaches } = await open(
    t,
    {
      "push.yaml": flow(
        'ref: { type: str, required: true, from: "body.ref" }, sender: { type: str, default: nobody, from: "body.sender.login" }, kind: { type: str, from: "event.type" }, main: { type: bool, from: "body.ref.endsWith(\'main\')" }, agent: { type: str, from: "headers[\'user-agent\']" }, size: { type: int }, out: { type: str }',
        ['id: x, set: { out: "{ref} by {sender}" }'],
        "on: [{ provider: acme }]",
      ),
    },
    {
      allowUnsigned: ["acme", "generic"],
      schemes: { acme: { extends: "generic", id: { header: "x-id" }, type: { header: "x-type" } } },
      providers: ["acme"],
    },
  ).catch((error: Error) => {
    throw error;
  });
  const send = async (body: unknown): Promise<string> => {
    const response = await latchhook.fetch(
      new Request("http://localhost/webhooks/acme", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "user-agent": "acme/1",
          "x-id": crypto.randomUUID(),
          "x-type": "push",
        },
        body: JSON.stringify(body),
      }),
    );
    const { runs } = (await response.json()) as { runs: { run_id: string }[] };
    return runs[0]?.run_id ?? "";
  };
  const ended = await reaches(await send({ ref: "refs/main", size: 3, other: [1], out: "x" }), "succeeded");
  assert.equal(ended.result, {
    ref: "refs/main",
    sender: "nobody",
    kind: "push",
    main: true,
    agent: "acme/1",
    size: 3,
    out: "refs/main by nobody",
  });
  const failed = await reaches(await send({ ref: 5, size: "3" }), "failed");
  assert.is(failed.error?.code, "input_invalid");
  assert.match(failed.error?.message ?? "", /\/ref.*Expected str, found int/s);
  assert.match(failed.error?.message ?? "", /\/size.*Expected int, found str/s);
  assert.is((await admin("GET", "/runs")).status, 200);
});

test("run directly, a flow finds its functions and the workflows beside it", async (t) => {
  await write(t, {
    "_f.js": "export const twice = ({ n }) => n * 2;",
    "child.yaml": flow("n: { type: int, required: true }", [
      'id: a, run: _f.js#twice, inputs: { n: "{n}" }, outputs: { n: result }',
    ]),
    "parent.yaml": flow("n: { type: int, default: 4 }", [
      'id: a, workflow: child, inputs: { n: "{n}" }, outputs: [n]',
    ]),
    "lone.yaml": flow("n: { type: int }", ["id: a, workflow: gone"]),
    "self.yaml": flow("n: { type: int }", ["id: a, workflow: self"]),
  });
  assert.equal(await runWorkflowAsync(join(t.folder, "parent.yaml"), {}), { n: 8 });
  await rejects(
    runWorkflowAsync(join(t.folder, "lone.yaml"), {}),
    /^lone\.yaml:6:14: Cannot run workflow "gone"/,
  );
  await rejects(
    runWorkflowAsync(join(t.folder, "self.yaml"), {}),
    /^self\.yaml:6:14: .*it runs "self" itself/,
  );
});

test.run();
