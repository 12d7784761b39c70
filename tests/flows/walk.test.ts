import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { NodeForm } from "../../lib/flows/node-kind.ts";
import { flowFromConfig } from "../../lib/flows/parse.ts";
import { withHooks } from "../../lib/step-hooks.ts";
import type { AnyWorkflow, RunContext, Step } from "../../lib/workflow.ts";
import { isFatalError } from "../../lib/workflow-errors.ts";
import { flowHost } from "../support/flow-host.ts";
import { rejects } from "../support/rejects.ts";

const test = suite("flows/walk");

const FIELDS = { a: "str", b: "str", n: "int", tags: "list[str]", any: "dict" };

/** Nodes that run in the order of the list, over fields of each type. */
function flowOf(nodes: readonly NodeForm[]): Promise<AnyWorkflow> {
  const way = ["START", ...nodes.map((node) => node.id), "END"];
  return flowFromConfig(
    {
      schema_version: "1.0",
      flow: { name: "test" },
      state: { fields: Object.fromEntries(Object.entries(FIELDS).map(([name, type]) => [name, { type }])) },
      nodes,
      // Backwards, since the edges and not the lists say what comes when.
      edges: way
        .slice(1)
        .map((to, index) => ({ from: way[index] ?? "", to }))
        .reverse(),
    },
    flowHost(),
  );
}

/** Runs with the results of earlier attempts, and adds those of this one. */
async function walk(
  flowGiven: AnyWorkflow | Promise<AnyWorkflow>,
  input: object,
  remembered = new Map<string, unknown>(),
): Promise<unknown> {
  const step = async (name: string, fn: (context: object) => unknown): Promise<unknown> => {
    if (!remembered.has(name)) remembered.set(name, await fn({ idempotencyKey: `run_1:${name}` }));
    return remembered.get(name);
  };
  const hooks = { group: step as never, fail: async (error: unknown) => error };
  const context = { input, step: withHooks(step as unknown as Step, hooks) } as RunContext<unknown>;
  return await (await flowGiven).run(context);
}

test("nodes run in the order of the edges, each as the step of its id, and the result is the final state", async () => {
  const flow = flowOf([
    { id: "first", set: { b: "{a}!" } },
    { id: "second", set: { tags: ["{a}", "{b}"], n: 1 } },
    { id: "third", set: { any: { all: "{tags}", last: "{tags.1}" } } },
  ]);
  const steps = new Map<string, unknown>();
  assert.equal(await walk(flow, { a: "x" }, steps), {
    a: "x",
    b: "x!",
    n: 1,
    tags: ["x", "x!"],
    any: { all: ["x", "x!"], last: "x!" },
  });
  assert.equal([...steps.keys()], ["first", "second", "third"]);
  assert.equal(steps.get("first"), { b: "x!" });
});

test("one node sees the state before it in all its fields, so two can change places", async () => {
  const flow = flowOf([{ id: "swap", set: { a: "{b}", b: "{a}" } }]);
  assert.equal(await walk(flow, { a: "1", b: "2" }), { a: "2", b: "1" });
});

test("a remembered node is not run again, and what it wrote is there", async () => {
  const flow = flowOf([
    { id: "first", set: { b: "new" } },
    { id: "second", set: { a: "{b}" } },
  ]);
  assert.equal(await walk(flow, {}, new Map([["first", { b: "old" }]])), { a: "old", b: "old" });
});

test("an output of another type ends the run, names node, field and both types, and is not remembered", async () => {
  const flow = flowOf([{ id: "count", set: { n: "{any.a}" } }]);
  const steps = new Map<string, unknown>();
  await rejects(walk(flow, { any: { a: "hunter2" } }, steps), (error) => {
    assert.is(error.message, 'Cannot write field "n" in node "count": expected int, found str');
    assert.ok(isFatalError(error));
  });
  assert.is(steps.size, 0);
  const deep = flowOf([{ id: "deep", set: { tags: "{any.list}" } }]);
  await rejects(
    walk(deep, { any: { list: ["a", 1] } }),
    /field "tags\/1" in node "deep": expected str, found int/,
  );
});

test("a lookup of a field that nothing has filled ends the run", async () => {
  const flow = flowOf([{ id: "greet", set: { b: "Hi {a}" } }]);
  await rejects(
    walk(flow, {}),
    /^Cannot fill \{a\} in node "greet": nothing has filled "a"; require it, give it a default, or write it in a node before$/,
  );
});

test("the same flow runs twice at once without a trace of the other", async () => {
  const flow = flowOf([{ id: "first", set: { b: "{a}" } }]);
  const [one, two] = await Promise.all([walk(flow, { a: "1" }), walk(flow, { a: "2" })]);
  assert.equal(
    [one, two],
    [
      { a: "1", b: "1" },
      { a: "2", b: "2" },
    ],
  );
});

test.run();
