import { AsyncResource } from "node:async_hooks";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as v from "valibot";
import type { ToolContext } from "../../../lib/define-tool.ts";
import { chargeStray, runCharged } from "../../../lib/stray.ts";
import { FatalError, isFatalError, isRetryError, RetryError } from "../../../lib/workflow-errors.ts";
import { rejects } from "../../support/rejects.ts";
import { attemptOf, lookupOf } from "../../support/tools.ts";
import { until } from "../../support/until.ts";

const test = suite("flows/tools/call-tool");

/** Never ends, whatever is asked of it. */
const deaf = (): Promise<never> => new Promise(() => {});

test("a call is a step that holds tool, arguments and result, and the model gets the result", async () => {
  const tool = await lookupOf(({ input }) => `found ${(input as { q: string }).q}`);
  const steps = new Map<string, unknown>();
  assert.is(await tool.call({ q: "x" }, attemptOf(steps)), "found x");
  const [[name, record] = ["", null]] = steps;
  assert.match(name, /^ask\/lookup#[0-9a-f]{12}$/);
  assert.equal(record, { tool: "lookup", arguments: { q: "x" }, result: "found x" });
});

test("the function gets the schema's output, its variables, a key that is the call's, and the tool's log", async () => {
  let seen: Partial<ToolContext> = {};
  const logged: object[] = [];
  const tool = await lookupOf(
    (context) => {
      seen = context;
      context.log.info("looked", { deep: true });
      return "";
    },
    { input: v.object({ q: v.pipe(v.string(), v.trim()) }), env: ["API_KEY"] },
    { env: { API_KEY: "k-123456", OTHER: "o" } },
  );
  const attempt = attemptOf();
  const steps = new Map<string, unknown>();
  const { run, stepName, signal } = attemptOf(steps);
  const log = { ...attempt.run.log, info: (_: string, fields?: object) => void logged.push(fields ?? {}) };
  await tool.call({ q: " x " }, { run: { ...run, log }, stepName, signal });
  assert.equal(seen.input, { q: "x" });
  assert.equal(seen.env, { API_KEY: "k-123456" });
  assert.is(seen.idempotencyKey, `run_1:${[...steps.keys()][0]}`);
  assert.not(seen.signal?.aborted);
  assert.equal(logged, [{ tool: "lookup", deep: true }]);
});

test("a later attempt gets the remembered answer to the same arguments, in whatever order, and calls for others", async () => {
  const asked: unknown[] = [];
  const input = v.looseObject({});
  const tool = await lookupOf(({ input }) => asked.push(input), { input });
  const steps = new Map<string, unknown>();
  const first = await tool.call({ q: "x", deep: { a: 1, b: [{ d: 1, c: 2 }] } }, attemptOf(steps));
  const again = await tool.call({ deep: { b: [{ c: 2, d: 1 }], a: 1 }, q: "x" }, attemptOf(steps));
  assert.equal([first, again], ["1", "1"]);
  for (const args of [{ q: "y" }, { q: "x" }, { q: ["x", "y"] }, { q: ["y", "x"] }]) {
    await tool.call(args, attemptOf(steps));
  }
  assert.is(asked.length, 5);
});

test("the same arguments a second time in one attempt get the same answer, also at once", async () => {
  let calls = 0;
  const tool = await lookupOf(async () => ++calls);
  const attempt = attemptOf();
  const both = await Promise.all([tool.call({ q: "x" }, attempt), tool.call({ q: "x" }, attempt)]);
  // The node may make an object of its own for each call.
  assert.equal([...both, await tool.call({ q: "x" }, { ...attempt })], ["1", "1", "1"]);
  assert.is(await tool.call({ q: "x" }, { ...attempt, stepName: "ask#2" }), "2");
});

test("an error that a tool leaves to nobody is told as one that it throws, without its variables", async () => {
  for (const [thrown, kind] of [
    [new Error("k-123456 is no good"), "Error"],
    [new FatalError("k-123456 is no good"), "FatalError"],
  ] as const) {
    let stray = (): boolean => false;
    const tool = await lookupOf(
      () => {
        stray = AsyncResource.bind(() => chargeStray(thrown));
        return "found";
      },
      { env: ["API_KEY"] },
      { env: { API_KEY: "k-123456" }, onError: "continue" },
    );
    const charged: unknown[] = [];
    await runCharged({ charge: (error) => void charged.push(error) }, () =>
      tool.call({ q: "x" }, attemptOf()),
    );
    assert.ok(stray());
    assert.equal(charged.map(String), [`${kind}: Cannot call tool "lookup": [hidden] is no good`]);
  }
});

test("variables are hidden in the record's arguments, in their names, too", async () => {
  const options = { input: v.looseObject({}), env: ["API_KEY"] };
  const tool = await lookupOf(() => "found", options, { env: { API_KEY: "k-123456" } });
  const steps = new Map<string, unknown>();
  await tool.call({ q: "k-123456", deep: [{ "k-123456": 1 }] }, attemptOf(steps));
  const [record] = steps.values() as Iterable<{ arguments: unknown }>;
  assert.equal(record?.arguments, { q: "[hidden]", deep: [{ "[hidden]": 1 }] });
});

test("what a tool throws may be no Error", async () => {
  const tool = await lookupOf(() => {
    throw { code: 402, message: "no credit" };
  });
  await rejects(tool.call({ q: "x" }, attemptOf()), /^Cannot call tool "lookup": no credit$/);
});

test("one call more than a node's run may make fails the attempt, though each was answered before", async () => {
  const tool = await lookupOf(() => "found", {}, { onError: "continue" });
  const attempt = attemptOf();
  for (let call = 0; call < 20; call++) await tool.call({ q: "x" }, attempt);
  await rejects(tool.call({ q: "x" }, attempt), /^Cannot call tools more than 20 times in "ask"/);
  assert.is(await tool.call({ q: "x" }, { ...attempt, stepName: "ask#2" }), "found");
});

test("arguments that do not fit are told to the model, are in the record, and the function is not called", async () => {
  let calls = 0;
  const tool = await lookupOf(() => ++calls);
  const steps = new Map<string, unknown>();
  const text = 'Cannot call tool "lookup" with these arguments: /q: Invalid type: Expected string';
  assert.is(await tool.call({ q: 1 }, attemptOf(steps)), text);
  assert.is(
    await tool.call(undefined, attemptOf()),
    text.replace(/\/q.*/, "the whole: Invalid type: Expected Object"),
  );
  assert.equal([...steps.values()], [{ tool: "lookup", arguments: { q: 1 }, error: text }]);
  assert.is(calls, 0);
});

test("of many faults ten are told, and a long one is cut", async () => {
  const tool = await lookupOf(() => "", { input: v.record(v.string(), v.number("x".repeat(1_000))) });
  const args = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`k${index}`, "no"]));
  const told = await tool.call(args, attemptOf());
  assert.match(told, /\/k0: xxx/);
  assert.match(told, /\n\[cut after 4096 of \d+ bytes\]$/);
  const short = await lookupOf(() => "", { input: v.record(v.string(), v.number("no")) });
  assert.match(await short.call(args, attemptOf()), /\/k9: no; and 2 more$/);
});

test("an asynchronous schema decides too", async () => {
  const check = v.checkAsync<string, string>(async (q) => q !== "no", "not this");
  const input = v.objectAsync({ q: v.pipeAsync(v.string(), check) });
  const tool = await lookupOf(() => "found", { input: input as never });
  assert.match(await tool.call({ q: "no" }, attemptOf()), /\/q: not this$/);
  assert.is(await tool.call({ q: "yes" }, attemptOf()), "found");
});

const results: [what: string, result: unknown, text: string][] = [
  ["a text", "as it is", "as it is"],
  ["a record", { a: [1, null], when: new Date(0) }, '{"a":[1,null],"when":"1970-01-01T00:00:00.000Z"}'],
  ["a number", 3, "3"],
  ["nothing", undefined, "null"],
];
for (const [what, result, text] of results) {
  test(`the model gets ${what} as text`, async () => {
    const tool = await lookupOf(() => result);
    assert.is(await tool.call({ q: "x" }, attemptOf()), text);
  });
}

test("a result that JSON cannot carry ends the run, since what the function did is done", async () => {
  const tool = await lookupOf(() => ({ big: 1n }));
  await rejects(tool.call({ q: "x" }, attemptOf()), (error) => {
    assert.match(error.message, /^Cannot call tool "lookup": its result is no JSON \(.*BigInt/);
    assert.ok(isFatalError(error));
  });
});

test("a long result is cut between two characters, says so, and is stored as the model saw it", async () => {
  const tool = await lookupOf(() => "é".repeat(40_000));
  const steps = new Map<string, unknown>();
  const text = await tool.call({ q: "x" }, attemptOf(steps));
  assert.is(text, `${"é".repeat(32_768)}\n[cut after 65536 of 80000 bytes]`);
  assert.equal([...steps.values()], [{ tool: "lookup", arguments: { q: "x" }, result: text }]);
});

test("long arguments are cut in the record, and the function gets all of them", async () => {
  const q = "x".repeat(20_000);
  const tool = await lookupOf(({ input }) => (input as { q: string }).q.length);
  const steps = new Map<string, unknown>();
  assert.is(await tool.call({ q }, attemptOf(steps)), "20000");
  const [record] = [...steps.values()] as { arguments: string }[];
  assert.is(record?.arguments, `{"q":"${"x".repeat(16_378)}\n[cut after 16384 of 20008 bytes]`);
});

test("what the function does to its arguments is not in the record", async () => {
  const tool = await lookupOf(({ input }) => Object.assign(input as object, { q: "changed" }).q, {
    input: v.any(),
  });
  const steps = new Map<string, unknown>();
  await tool.call({ q: "x" }, attemptOf(steps));
  assert.equal([...steps.values()], [{ tool: "lookup", arguments: { q: "x" }, result: "changed" }]);
});

test("an error fails the attempt, names the tool, is no answer and is not remembered", async () => {
  let calls = 0;
  const tool = await lookupOf(() => {
    if (++calls === 1) throw new Error("out of order");
    return "found";
  });
  const steps = new Map<string, unknown>();
  await rejects(tool.call({ q: "x" }, attemptOf(steps)), (error) => {
    assert.is(error.message, 'Cannot call tool "lookup": out of order');
    assert.not(isFatalError(error));
    assert.not(isRetryError(error));
  });
  assert.is(steps.size, 0);
  assert.is(await tool.call({ q: "x" }, attemptOf(steps)), "found");
});

test("a FatalError and a RetryError of the function stay what they are", async () => {
  const fatal = await lookupOf(() => {
    throw new FatalError("wrong key");
  });
  await rejects(fatal.call({ q: "x" }, attemptOf()), (error) => {
    assert.is(error.message, 'Cannot call tool "lookup": wrong key');
    assert.ok(isFatalError(error));
  });
  const retry = await lookupOf(() => {
    throw new RetryError("too many", { after: "90s" });
  });
  await rejects(retry.call({ q: "x" }, attemptOf()), (error) => {
    assert.is(error.message, 'Cannot call tool "lookup": too many');
    assert.ok(isRetryError(error));
    assert.is((error as RetryError).after, "90s");
  });
});

test("with on_error: continue the model is told of an error of any kind, and it is remembered", async () => {
  for (const error of [new Error("no"), new FatalError("no"), new RetryError("no", { after: 1 }), "no"]) {
    let calls = 0;
    const run = (): never => {
      calls++;
      throw error;
    };
    const tool = await lookupOf(run, {}, { onError: "continue" });
    const steps = new Map<string, unknown>();
    const text = 'Cannot call tool "lookup": no';
    assert.is(await tool.call({ q: "x" }, attemptOf(steps)), text);
    assert.is(await tool.call({ q: "x" }, attemptOf(steps)), text);
    assert.equal([...steps.values()], [{ tool: "lookup", arguments: { q: "x" }, error: text }]);
    assert.is(calls, 1);
  }
});

test("a schema that throws is an error of the tool's", async () => {
  const broken = { "~standard": { version: 1, vendor: "own", validate: () => JSON.parse("{") } } as const;
  const tool = await lookupOf(() => "found", { input: broken });
  await rejects(tool.call({ q: "x" }, attemptOf()), /^Cannot call tool "lookup": .*JSON/);
});

test("a function that takes too long is told by its signal", async () => {
  let signal: AbortSignal | undefined;
  const tool = await lookupOf(
    (context) => {
      signal = context.signal;
      return new Promise((_, reject) =>
        signal?.addEventListener("abort", () => reject(new Error("own words"))),
      );
    },
    { timeout: 20 },
  );
  await rejects(
    tool.call({ q: "x" }, attemptOf()),
    /^Cannot call tool "lookup": it took longer than 20 ms, its timeout$/,
  );
  assert.ok(signal?.aborted);
});

test("a function that ignores its signal is left to itself when its time is over", async () => {
  const tool = await lookupOf(deaf, { timeout: 20 }, { onError: "continue" });
  assert.match(await tool.call({ q: "x" }, attemptOf()), /it took longer than 20 ms, its timeout$/);
});

test("the end of the attempt ends the call, is told to nobody and is not remembered", async () => {
  const signals: AbortSignal[] = [];
  const tool = await lookupOf(
    ({ signal }) => {
      signals.push(signal);
      return deaf();
    },
    {},
    { onError: "continue" },
  );
  const controller = new AbortController();
  const steps = new Map<string, unknown>();
  const call = tool.call({ q: "x" }, attemptOf(steps, controller.signal));
  await until(() => signals.length === 1, "the function to be called");
  const reason = new Error("the process stops");
  controller.abort(reason);
  await rejects(call, (error) => error === reason);
  assert.is(signals[0]?.reason, reason);
  await rejects(tool.call({ q: "y" }, attemptOf(steps, controller.signal)), (error) => error === reason);
  assert.is(signals.length, 1);
  assert.is(steps.size, 0);
});

test("a call that has ended is not timed any more", async () => {
  let signal: AbortSignal | undefined;
  const tool = await lookupOf(
    (context) => {
      signal = context.signal;
      return "found";
    },
    { timeout: 10 },
  );
  await tool.call({ q: "x" }, attemptOf());
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.is(signal?.aborted, false);
});

test("a declared variable's value is in no text and no record, however it comes back", async () => {
  const key = 'key "1"\n+/=';
  const env = { API_KEY: key };
  const query = new URLSearchParams({ key }).toString();
  const says = (result: unknown, onError: "fail" | "continue" = "fail") =>
    lookupOf(
      () => {
        if (result instanceof Error) throw result;
        return result;
      },
      { env: ["API_KEY"] },
      { env, onError },
    );
  const seen: string[] = [];
  for (const result of [`as ${key} is`, { deep: [key] }, `GET /?${query}`]) {
    const steps = new Map<string, unknown>();
    seen.push(await (await says(result)).call({ q: `with ${key}` }, attemptOf(steps)));
    seen.push(JSON.stringify([...steps]));
  }
  const steps = new Map<string, unknown>();
  seen.push(await (await says(new Error(`refused ${key}`), "continue")).call({ q: "x" }, attemptOf(steps)));
  seen.push(JSON.stringify([...steps]));
  const failing = await says(new FatalError(`refused ${key}`));
  await rejects(failing.call({ q: "x" }, attemptOf()), (error) => {
    assert.is(error.message, 'Cannot call tool "lookup": refused [hidden]');
    seen.push(String(error.stack), String(error.cause));
  });
  for (const text of seen) {
    for (const form of [key, JSON.stringify(key).slice(1, -1), query.slice(4)]) {
      assert.not(text.includes(form), `${form} is in ${text}`);
    }
  }
  assert.is(seen[0], "as [hidden] is");
  assert.is(seen[2], '{"deep":["[hidden]"]}');
});

test.run();
