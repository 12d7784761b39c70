import { suite } from "uvu";
import * as assert from "uvu/assert";
import { inNode } from "../../../lib/flows/in-node.ts";
import { secretHider } from "../../../lib/flows/secret-hider.ts";
import { FatalError, isFatalError, isRetryError, RetryError } from "../../../lib/workflow-errors.ts";
import { rejects } from "../../support/rejects.ts";
import { attempt, flowOf } from "../../support/walk.ts";

const test = suite("flows/nodes/run");

const edges = [
  { from: "START", to: "a" },
  { from: "a", to: "END" },
];
const open = (
  run: string,
  module: object | Error,
  outputs: object = { n: "result" },
): ReturnType<typeof flowOf> =>
  flowOf(
    { n: "int", m: "int" },
    [{ id: "a", run, inputs: { x: "{state.m}", y: [1] }, outputs: outputs as never }],
    edges,
    {
      importModule: (path) => {
        assert.is(path, "_sums.ts");
        return module instanceof Error ? Promise.reject(module) : Promise.resolve(module);
      },
    },
  );

test("a function is called with the node's inputs, its key and the event", async () => {
  const calls: unknown[][] = [];
  const flow = await open("_sums.ts#sum", {
    sum: (...args: unknown[]) => {
      calls.push(args);
      return 5;
    },
  });
  assert.equal(await attempt(flow, { m: 4 }), { m: 4, n: 5 });
  const [inputs, context] = calls[0] as [unknown, Record<string, unknown>];
  assert.equal(inputs, { x: 4, y: [1] });
  assert.is(context.idempotencyKey, "run_1:a");
  assert.instance(context.signal, AbortSignal);
});

test("without a name it is the default export, and a list of outputs takes keys of what it returns", async () => {
  const flow = await open("_sums.ts", { default: async () => ({ n: 1, m: 2, more: 3 }) }, ["n", "m"]);
  assert.equal(await attempt(flow, { m: 4 }), { n: 1, m: 2 });
});

test("what it returns is checked, and fails the attempt alone", async () => {
  const flow = await open("_sums.ts#f", { f: () => "three" });
  await rejects(attempt(flow, { m: 1 }), (error) => {
    assert.is(error.message, 'Cannot write field "n" in node "a": expected int, found str');
    assert.is(error.name, "TypeError");
  });
});

test("what it returns is taken as JSON has it", async () => {
  const returned = { at: new Date(0), nick: undefined, list: [undefined, new Map()] };
  const flow = await flowOf(
    { at: "str", all: "dict" },
    [{ id: "a", run: "_sums.ts#f", outputs: { at: "result.at", all: "result" } }],
    edges,
    { importModule: async () => ({ f: () => returned }) },
  );
  const at = "1970-01-01T00:00:00.000Z";
  assert.equal(await attempt(flow), { at, all: { at, list: [null, {}] } });
  // What cannot be stored may be returned where nothing takes it.
  const large = { n: 3, self: null as unknown, text: "a".repeat(2_000_000) };
  assert.equal(await attempt(await open("_sums.ts#f", { f: () => large }, { n: "result.n" }), { m: 1 }), {
    m: 1,
    n: 3,
  });
  large.self = large;
  assert.equal(await attempt(await open("_sums.ts#f", { f: () => large }, { n: "result.n" }), { m: 1 }), {
    m: 1,
    n: 3,
  });
});

const thrown: readonly [what: string, error: unknown, check: (error: Error) => void][] = [
  ["an error", new TypeError("no luck"), (error) => assert.not(isFatalError(error) || isRetryError(error))],
  ["no error", { message: "no luck" }, (error) => assert.instance(error, Error)],
  [
    "one that ends the run",
    Object.assign(new FatalError("no luck"), { code: "sold_out" }),
    (error) => assert.ok(isFatalError(error) && Reflect.get(error, "code") === "sold_out"),
  ],
  [
    "one that says when",
    new RetryError("no luck", { after: "1h" }),
    (error) => assert.ok(isRetryError(error) && error.after === "1h"),
  ],
];
for (const [what, error, check] of thrown) {
  test(`where a function throws ${what}, it is told with its node`, async () => {
    for (const f of [
      () => {
        throw error;
      },
      () => Promise.reject(error),
    ]) {
      await rejects(attempt(await open("_sums.ts#f", { f }), { m: 1 }), (found) => {
        assert.is(found.message, 'Cannot run _sums.ts#f in node "a": no luck');
        assert.is(found.cause, error);
        check(found);
      });
    }
  });
}

test("the end of an attempt is told as it is, and a function's own abort with its node", () => {
  const over = new DOMException("it is over", "AbortError");
  const [running, ended] = [new AbortController(), new AbortController()];
  ended.abort(over);
  const told = (signal: AbortSignal): unknown => inNode(over, "run x", signal, secretHider([]));
  assert.is(told(ended.signal), over);
  assert.is(String(told(running.signal)), "Error: Cannot run x: it is over");
});

test("what the flow may read of the environment is taken out of errors", async () => {
  const fails = (): never => {
    throw new Error("no luck with s3cret-t0ken");
  };
  const flow = await flowOf(
    { n: "int" },
    [{ id: "a", run: "_sums.ts#fails", outputs: { n: "result" } }],
    edges,
    { importModule: async () => ({ fails }), env: { API_TOKEN: "s3cret-t0ken" } },
    { env: ["API_TOKEN"] },
  );
  await rejects(attempt(flow), (error) => {
    assert.is(error.message, 'Cannot run _sums.ts#fails in node "a": no luck with [hidden]');
    assert.is(error.cause, undefined);
  });
});

test("a function that changes its argument changes nothing of the state", async () => {
  const flow = await flowOf(
    { list: "list[int]", n: "int" },
    [{ id: "a", run: "_sums.ts#push", inputs: { list: "{list}" }, outputs: { n: "result" } }],
    edges,
    { importModule: async () => ({ push: ({ list }: { list: number[] }) => list.push(9) }) },
  );
  assert.equal(await attempt(flow, { list: [1] }), { list: [1], n: 2 });
});

const refused: readonly [run: string, module: object | Error, message: RegExp][] = [
  [
    "_sums.ts#f",
    new TypeError("there is no file _sums.ts"),
    /Cannot load "_sums.ts": there is no file _sums.ts/,
  ],
  ["_sums.ts#f", { g() {}, h: 1 }, /Cannot find function "f" in _sums.ts: it exports g/],
  ["_sums.ts", {}, /Cannot find function "default" in _sums.ts: it exports none/],
  ["../x.ts#f", {}, /give a file of the workflows folder/],
  ["/etc/x.ts#f", {}, /give a file of the workflows folder/],
  ["a/../../x.ts", {}, /give a file of the workflows folder/],
  ["x.py#f", {}, /give a file of the workflows folder/],
  ["_sums.ts#f()", {}, /give a file of the workflows folder/],
];
for (const [run, module, message] of refused) {
  test(`${run} of ${module instanceof Error ? "no file" : JSON.stringify(Object.keys(module))} is refused`, async () => {
    await rejects(open(run, module), message);
  });
}

test.run();
