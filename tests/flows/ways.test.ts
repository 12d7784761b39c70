import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { FlowConfig } from "../../lib/flows/flow-config.ts";
import { NODE_RUNS_MAX } from "../../lib/flows/walk.ts";
import { isFatalError } from "../../lib/workflow-errors.ts";
import { rejects } from "../support/rejects.ts";
import { attempt, flowOf, type Remembered } from "../support/walk.ts";

const test = suite("flows/ways");

/** Edges such as "START>a" and, to several at once, "a>b,c". */
function ways(text: string): FlowConfig["edges"] {
  return text.split(" ").map((way) => {
    const [from = "", to = ""] = way.split(">");
    return { from, to: to.includes(",") ? to.split(",") : to };
  });
}

/** Functions that a test lets end one by one, in the order that it likes. */
function gates(): {
  module: Record<string, (inputs: unknown) => Promise<unknown>>;
  begun: string[];
  open(name: string, result?: unknown): void;
} {
  const begun: string[] = [];
  const doors = new Map<string, (result: unknown) => void>();
  const module = new Proxy({} as Record<string, (inputs: unknown) => Promise<unknown>>, {
    ownKeys: () => [],
    get: (_target, name: string) => {
      // Else `await` would take the module for a promise.
      if (name === "then") return undefined;
      return () =>
        new Promise((resolve) => {
          begun.push(name);
          doors.set(name, resolve);
        });
    },
  });
  return { module, begun, open: (name, result = name) => doors.get(name)?.(result) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a fork runs its nodes at the same time, and the join waits for all of them", async () => {
  const { module, begun, open } = gates();
  const flow = await flowOf(
    { a: "str", b: "str", c: "str" },
    ["a", "b", "c"].map((id) => ({ id, run: `x.ts#${id}`, outputs: { [id]: "result" } })),
    ways("START>a,b a>c b>c c>END"),
    { importModule: async () => module },
  );
  const ended = attempt(flow);
  await turn();
  assert.equal(begun, ["a", "b"]);
  open("b");
  await turn();
  assert.equal(begun, ["a", "b"], "c must wait for a");
  open("a");
  await turn();
  assert.equal(begun, ["a", "b", "c"]);
  open("c");
  assert.equal(await ended, { a: "a", b: "b", c: "c" });
});

test("a branch of several nodes is waited for as a whole, and a branch that ends by itself is not", async () => {
  const { module, begun, open } = gates();
  const flow = await flowOf(
    { a: "str" },
    ["a", "b", "b2", "c", "join"].map((id) => ({ id, run: `x.ts#${id}` })),
    ways("START>a,b,c a>join b>b2 b2>join c>END join>END"),
    { importModule: async () => module },
  );
  const ended = attempt(flow);
  await turn();
  open("a");
  open("b");
  await turn();
  assert.equal(begun, ["a", "b", "c", "b2"]);
  open("b2");
  await turn();
  assert.equal(begun, ["a", "b", "c", "b2", "join"], "c leads nowhere near, so nobody waits for it");
  open("join");
  open("c");
  await ended;
});

test("a branch that a route led elsewhere is not waited for", async () => {
  const { module, begun, open } = gates();
  const flow = await flowOf(
    { isShort: { type: "bool", default: true } },
    ["a", "b", "long", "join"].map((id) => ({ id, run: `x.ts#${id}` })),
    [
      ...ways("START>a,b a>join long>join join>END"),
      {
        from: "b",
        routes: [
          { condition: { logic: "state.isShort" }, to: "END" },
          { condition: { logic: "default" }, to: "long" },
        ],
      },
    ],
    { importModule: async () => module },
  );
  const ended = attempt(flow);
  await turn();
  open("a");
  await turn();
  assert.equal(begun, ["a", "b"]);
  open("b");
  await turn();
  assert.equal(begun, ["a", "b", "join"]);
  open("join");
  await ended;
});

test("the first branch that fails ends the attempt, and what the others finished is remembered", async () => {
  const remembered: Remembered = new Map();
  let isBroken = true;
  const calls: string[] = [];
  const module = {
    good: () => calls.push("good"),
    bad: async () => {
      await turn();
      calls.push("bad");
      if (isBroken) throw new Error("no luck");
    },
  };
  const flow = await flowOf(
    { x: "str" },
    ["good", "bad", "join"].map((id) => ({ id, run: `x.ts#${id === "join" ? "good" : id}` })),
    ways("START>good,bad good>join bad>join join>END"),
    { importModule: async () => module },
  );
  await rejects(attempt(flow, {}, remembered), /no luck/);
  assert.equal(calls, ["good", "bad"]);
  isBroken = false;
  await attempt(flow, {}, remembered);
  assert.equal(calls, ["good", "bad", "bad", "good"]);
});

const routed: readonly [score: number | undefined, ok: boolean, to: string][] = [
  [0.9, true, "high"],
  [0.9, false, "low"],
  [0.5, true, "middle"],
  [0.1, true, "low"],
];
for (const [score, ok, expected] of routed) {
  test(`score ${score} that is ${ok ? "" : "not "}ok leads to ${expected}`, async () => {
    const flow = await flowOf(
      { score: "float", ok: "bool", to: "str" },
      ["high", "middle", "low"].map((id) => ({ id, set: { to: id } })),
      [
        {
          from: "START",
          routes: [
            { condition: { logic: "default" }, to: "low" },
            { condition: { logic: "state.score > 0.8 and state.ok" }, to: "high" },
            { condition: { logic: "state.score > 0.4 and not state.score > 0.8" }, to: "middle" },
          ],
        },
        ...ways("high>END middle>END low>END"),
      ],
    );
    assert.equal(await attempt(flow, { score, ok }), { score, ok, to: expected });
  });
}

test("a condition that cannot tell ends the run and says why", async () => {
  const flow = await flowOf(
    { score: "float" },
    [{ id: "a", set: { score: 1 } }],
    [
      {
        from: "START",
        routes: [
          { condition: { logic: "state.score > 1" }, to: "a" },
          { condition: { logic: "default" }, to: "END" },
        ],
      },
      ...ways("a>END"),
    ],
  );
  await rejects(attempt(flow), (error) => {
    assert.match(error.message, /^Cannot decide "state.score > 1": .*score/);
    assert.ok(isFatalError(error));
  });
});

test("a loop goes round until its field is true, each round a step of its own", async () => {
  const remembered: Remembered = new Map();
  const flow = await flowOf(
    { text: { type: "str", default: "" }, done: "bool" },
    [
      { id: "write", set: { text: "{text}x" } },
      { id: "look", run: "x.ts#look", inputs: { text: "{text}" }, outputs: { done: "result" } },
    ],
    [
      ...ways("START>write write>look"),
      { from: "look", loop: { to: "write", max_iterations: 9, condition_field: "done", exit_to: "END" } },
    ],
    { importModule: async () => ({ look: ({ text }: { text: string }) => text.length === 3 }) },
  );
  assert.equal(await attempt(flow, {}, remembered), { text: "xxx", done: true });
  assert.equal([...remembered.keys()], ["write#1", "look#1", "write#2", "look#2", "write#3", "look#3"]);
  remembered.delete("look#3");
  remembered.set("look#2", { done: true });
  assert.equal(await attempt(flow, {}, remembered), { text: "xx", done: true }, "what is remembered decides");
});

test("a loop of 100 rounds ends at its bound, and one more is refused", async () => {
  const edges = (rounds: number): FlowConfig["edges"] => [
    ...ways("START>a after>END"),
    { from: "a", loop: { max_iterations: rounds, condition_field: "done", exit_to: "after" } },
  ];
  const nodes = [
    { id: "a", set: { text: "{text}x" } },
    { id: "after", set: { end: "{text}!" } },
  ];
  const fields = { text: { type: "str", default: "" }, end: "str", done: "bool" };
  const result = (await attempt(await flowOf(fields, nodes, edges(100)))) as { end: string };
  assert.is(result.end, `${"x".repeat(100)}!`);
  await rejects(flowOf(fields, nodes, edges(101)), /max_iterations: give a whole number from 1 to 100/);
});

test("a loop within a loop begins anew with each round of the outer one", async () => {
  const flow = await flowOf(
    { text: { type: "str", default: "" }, done: "bool" },
    [
      { id: "in", set: { text: "{text}i" } },
      { id: "out", set: { text: "{text}o" } },
    ],
    [
      ...ways("START>in"),
      { from: "in", loop: { max_iterations: 2, condition_field: "done", exit_to: "out" } },
      { from: "out", loop: { to: "in", max_iterations: 3, condition_field: "done", exit_to: "END" } },
    ],
  );
  assert.equal(await attempt(flow), { text: "iioiioiio" });
});

test("loops that multiply end at the bound of all runs of nodes", async () => {
  const loop = { max_iterations: 100, condition_field: "done" };
  const flow = await flowOf(
    { done: "bool", n: "int" },
    ["a", "b", "c"].map((id) => ({ id, set: { n: 1 } })),
    [
      ...ways("START>a"),
      { from: "a", loop: { ...loop, exit_to: "b" } },
      { from: "b", loop: { ...loop, to: "a", exit_to: "c" } },
      { from: "c", loop: { ...loop, to: "a", exit_to: "END" } },
    ],
  );
  const remembered: Remembered = new Map();
  await rejects(attempt(flow, {}, remembered), (error) => {
    assert.match(error.message, /more than 10000 nodes in one run/);
    assert.ok(isFatalError(error));
  });
  assert.is(remembered.size, NODE_RUNS_MAX);
});

const fanOut = (collectField: string, concurrency: number): FlowConfig["edges"] => [
  {
    from: "START",
    parallel: {
      items_field: "items",
      target_node: "each",
      collect_field: collectField,
      max_concurrency: concurrency,
    },
  },
  { from: "each", to: "END" },
];

test("a node runs for each item, so many at once, and what it writes is collected in the items' order", async () => {
  let running = 0;
  let most = 0;
  const slow = async ({ it, at }: { it: string; at: number }): Promise<unknown> => {
    most = Math.max(most, ++running);
    for (let wait = 10 - at; wait > 0; wait--) await turn();
    running--;
    return `${at}:${it}`;
  };
  const flow = await flowOf(
    { items: "list[str]", one: "str", all: "list[str]" },
    [{ id: "each", run: "x.ts#slow", inputs: { it: "{item}", at: "{index}" }, outputs: { one: "result" } }],
    fanOut("all", 3),
    { importModule: async () => ({ slow }) },
  );
  const items = ["a", "b", "c", "d", "e"];
  assert.equal(await attempt(flow, { items }), { items, all: ["0:a", "1:b", "2:c", "3:d", "4:e"] });
  assert.is(most, 3);
});

test("several fields of an item are collected as an object, and no items as an empty list", async () => {
  const flow = await flowOf(
    { items: "list[int]", a: "int", b: "str", all: "list[dict]" },
    [{ id: "each", set: { a: "{item}", b: "n{index}" } }],
    fanOut("all", 2),
  );
  assert.equal(await attempt(flow, { items: [7, 8] }), {
    items: [7, 8],
    all: [
      { a: 7, b: "n0" },
      { a: 8, b: "n1" },
    ],
  });
  assert.equal(await attempt(flow, { items: [] }), { items: [], all: [] });
});

test("after a failure only the items that had not ended run again", async () => {
  const calls: number[] = [];
  let isBroken = true;
  const remembered: Remembered = new Map();
  const flow = await flowOf(
    { items: "list[int]", one: "int", all: "list[int]" },
    [{ id: "each", run: "x.ts#f", inputs: { n: "{item}" }, outputs: { one: "result" } }],
    fanOut("all", 1),
    {
      importModule: async () => ({
        f: ({ n }: { n: number }) => {
          calls.push(n);
          if (n === 3 && isBroken) throw new Error("no luck");
          return n * 10;
        },
      }),
    },
  );
  const items = [1, 2, 3, 4];
  await rejects(attempt(flow, { items }, remembered), /no luck/);
  assert.equal(calls, [1, 2, 3], "no item begins after one has failed");
  isBroken = false;
  assert.equal(await attempt(flow, { items }, remembered), { items, all: [10, 20, 30, 40] });
  assert.equal(calls, [1, 2, 3, 3, 4]);
  assert.equal([...remembered.keys()], ["each#1", "each#2", "each#3", "each#4"]);
});

test("what an earlier attempt wrote for a file that has changed since is checked, and old fields are left out", async () => {
  const flow = await flowOf(
    { n: "int", end: "str" },
    [
      { id: "a", set: { n: 1 } },
      { id: "b", set: { end: "n{n}" } },
    ],
    ways("START>a a>b b>END"),
  );
  assert.equal(await attempt(flow, {}, new Map([["a", { n: 2, gone: true }]])), { n: 2, end: "n2" });
  for (const [remembered, message] of [
    [{ n: "two" }, /Cannot write field "n" in node "a": expected int, found str/],
    [7, /Cannot use what node "a" wrote before/],
  ] as const) {
    await rejects(attempt(flow, {}, new Map([["a", remembered]])), (error) => {
      assert.match(error.message, message);
      assert.ok(isFatalError(error));
    });
  }
});

test("a list of more items than nodes may run ends the run before the first of them", async () => {
  const flow = await flowOf(
    { items: "list[int]", one: "int", all: "list[int]" },
    [{ id: "each", set: { one: "{item}" } }],
    fanOut("all", 1),
  );
  const remembered: Remembered = new Map();
  const items = new Array(NODE_RUNS_MAX + 1).fill(1);
  await rejects(attempt(flow, { items }, remembered), /more than 10000 nodes in one run/);
  assert.is(remembered.size, 0);
});

test("items that nothing has filled end the run", async () => {
  const flow = await flowOf(
    { items: "list[int]", one: "int", all: "list[int]" },
    [{ id: "each", set: { one: 1 } }],
    fanOut("all", 1),
  );
  await rejects(attempt(flow), /Cannot run node "each" for each item: nothing has filled items/);
});

test("where one node of a fork fails, what has begun beside it ends and is remembered, and nothing else begins", async () => {
  const { module, begun, open } = gates();
  const fails = () => Promise.reject(new Error("no luck"));
  const flow = await flowOf(
    { a: "str", b: "str", c: "str" },
    [
      { id: "a", run: "x.ts#a", outputs: { a: "result" } },
      { id: "b", run: "_fails.ts", outputs: { b: "result" } },
      { id: "c", run: "x.ts#c", outputs: { c: "result" } },
    ],
    ways("START>a,b a>c b>END c>END"),
    { importModule: async (path) => (path.startsWith("x") ? module : { default: fails }) },
  );
  const remembered: Remembered = new Map();
  let failure: unknown = null;
  const ended = attempt(flow, {}, remembered).catch((error: unknown) => {
    failure = error;
  });
  await turn();
  assert.is(failure, null);
  open("a");
  await ended;
  assert.match(String(failure), /^Error: Cannot run .* in node "(?:b|each)": no luck$/);
  assert.equal([...remembered.keys()], ["a"]);
  assert.equal(begun, ["a"]);
});

test("where an item fails, those that have begun end and are remembered, and no other begins", async () => {
  const { module, begun, open } = gates();
  const flow = await flowOf(
    { list: { type: "list[str]", required: true }, one: "str", all: "list[str]" },
    [{ id: "each", run: "x.ts#each", inputs: { n: "{item}" }, outputs: { one: "result" } }],
    [
      {
        from: "START",
        parallel: { items_field: "list", target_node: "each", collect_field: "all", max_concurrency: 2 },
      },
      { from: "each", to: "END" },
    ],
    {
      importModule: async () => ({
        each: ({ n }: { n: string }) =>
          n === "bad" ? Promise.reject(new Error("no luck")) : module[n]?.({}),
      }),
    },
  );
  const remembered: Remembered = new Map();
  let failure: unknown = null;
  const ended = attempt(flow, { list: ["good", "bad", "next"] }, remembered).catch((error: unknown) => {
    failure = error;
  });
  await turn();
  assert.is(failure, null);
  open("good");
  await ended;
  assert.match(String(failure), /^Error: Cannot run .* in node "(?:b|each)": no luck$/);
  assert.equal([...remembered.keys()], ["each#1"]);
  assert.equal(begun, ["good"]);
});

test("where a node fails, no other item begins, and where an item fails, no other node", async () => {
  for (const [failing, begins] of [
    ["node", ["one", "two"]],
    ["item", ["one", "side"]],
  ] as const) {
    const { module, begun, open } = gates();
    const fails = (): Promise<never> => Promise.reject(new Error("no luck"));
    const flow = await flowOf(
      {
        list: { type: "list[str]", required: true },
        each: "str",
        all: "list[str]",
        begin: "str",
        side: "str",
        next: "str",
      },
      [
        { id: "each", run: "x.ts#each", inputs: { n: "{item}" }, outputs: { each: "result" } },
        { id: "side", run: "x.ts#side", outputs: { side: "result" } },
        { id: "next", run: "x.ts#next", outputs: { next: "result" } },
        { id: "start", set: { begin: "" } },
      ],
      [
        { from: "START", to: ["start", "side"] },
        {
          from: "start",
          parallel: { items_field: "list", target_node: "each", collect_field: "all", max_concurrency: 2 },
        },
        { from: "side", to: "next" },
        { from: "each", to: "END" },
        { from: "next", to: "END" },
      ],
      {
        importModule: async () => ({
          each: ({ n }: { n: string }) => (n === "bad" ? fails() : module[n]?.({})),
          side: () => (failing === "node" ? turn().then(fails) : module.side?.({})),
          next: module.next,
        }),
      },
    );
    const list = failing === "node" ? ["one", "two", "three"] : ["one", "bad", "three"];
    const remembered: Remembered = new Map();
    const ended = attempt(flow, { list }, remembered).catch(String);
    await turn();
    await turn();
    open("side");
    await turn();
    open("one");
    open("two");
    assert.match(String(await ended), /^Error: Cannot run .* in node ".*": no luck$/);
    assert.equal(begun.sort(), begins);
    assert.ok(remembered.has("each#1"));
    assert.not(remembered.has("next"));
  }
});

test("all that the nodes of a run write is bounded together", async () => {
  const text = "a".repeat(1_000_000);
  const flow = await flowOf(
    { text: "str", copy: "str", done: { type: "bool", default: false } },
    [{ id: "write", set: { copy: "{text}" } }],
    [
      { from: "START", to: "write" },
      { from: "write", loop: { condition_field: "done", max_iterations: 100, exit_to: "END" } },
    ],
  );
  const remembered: Remembered = new Map();
  for (const begin of ["the first time", "with all of it remembered"]) {
    await rejects(attempt(flow, { text }, remembered), (error) => {
      assert.ok(isFatalError(error), begin);
      assert.match(
        error.message,
        /^Cannot keep more than 67108864 characters of results in one run: .* "write"/,
      );
    });
  }
  // 1,000,011 characters each.
  assert.is(remembered.size, 68);
});

test("what a node wrote for a file that has changed since is taken where it is all there, and ends the run elsewhere", async () => {
  const flowWith = (set: object, fields: object = {}) =>
    flowOf(
      { a: "str", b: { type: "str", default: "new" }, ...fields },
      [{ id: "one", set } as never],
      ways("START>one one>END"),
    );
  const remembered: Remembered = new Map([["one", { a: "old", b: "old", gone: 1 }]]);
  assert.equal(await attempt(await flowWith({ a: "x", b: "x" }), {}, remembered), { a: "old", b: "old" });
  // Fields that it does not write any more are not its own.
  assert.equal(await attempt(await flowWith({ a: "x" }), {}, remembered), { a: "old", b: "new" });
  await rejects(attempt(await flowWith({ a: "x", c: "x" }, { c: "str" }), {}, remembered), (error) => {
    assert.ok(isFatalError(error));
    assert.is(
      error.message,
      'Cannot go on behind node "one": it ended before the file let it write c; start the run anew',
    );
  });
});

test.run();
