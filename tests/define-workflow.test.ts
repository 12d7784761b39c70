import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as v from "valibot";
import {
  brandWorkflow,
  defineWorkflow,
  isWorkflow,
  parseTriggers,
  toPointer,
} from "../lib/define-workflow.ts";
import type { AnyWorkflow, Workflow } from "../lib/workflow.ts";

const test = suite("define-workflow");
const run = (): null => null;

test("what is left out has the documented defaults", () => {
  const workflow = defineWorkflow({ run });
  assert.is(workflow.kind, "code");
  assert.is(workflow.description, null);
  assert.is(workflow.on, null);
  assert.is(workflow.timeoutMs, 300_000);
  assert.equal(workflow.retry, { attempts: 10, minDelayMs: 2_000, maxDelayMs: 600_000 });
  assert.is(workflow.concurrency, null);
});

test("what is given is taken", () => {
  const workflow = defineWorkflow({
    description: "d",
    on: [{ provider: "github" }],
    timeout: "90s",
    retry: { attempts: 1, minDelay: 5, maxDelay: "1h" },
    concurrency: 2,
    run,
  });
  assert.is(workflow.description, "d");
  assert.equal(workflow.on, [{ provider: "github" }]);
  assert.is(workflow.timeoutMs, 90_000);
  assert.equal(workflow.retry, { attempts: 1, minDelayMs: 5, maxDelayMs: 3_600_000 });
  assert.is(workflow.concurrency, 2);
});

const wrong: [what: string, options: object, message: RegExp][] = [
  ["no run", {}, /without run\(context\)/],
  ["an unknown part", { run, schedule: "daily" }, /"schedule": it takes description, on/],
  ["no time at all", { run, timeout: 0 }, /Cannot use 0 as timeout/],
  ["a timeout that is none", { run, timeout: "soon" }, /"soon" as timeout/],
  ["no attempts", { run, retry: { attempts: 0 } }, /0 as retry.attempts/],
  ["half an attempt", { run, retry: { attempts: 1.5 } }, /1.5 as retry.attempts/],
  ["delays the wrong way round", { run, retry: { minDelay: "1h" } }, /retry.minDelay above retry.maxDelay/],
  ["no run at once", { run, concurrency: 0 }, /0 as concurrency/],
  ["an empty on", { run, on: [] }, /Cannot use "on"/],
  ["an unknown part of on", { run, on: [{ provider: "github", when: "true" }] }, /"when" in "on"/],
  ["a provider's name in capitals", { run, on: [{ provider: "GitHub" }] }, /"GitHub" as provider/],
];
for (const [what, options, message] of wrong) {
  test(`${what} is a TypeError that says what to give`, () => {
    assert.throws(
      () => defineWorkflow(options as { run(): null }),
      (error: Error) => error instanceof TypeError && message.test(error.message),
    );
  });
}

test("the schema's output reaches run, and run has its type", async () => {
  const workflow = defineWorkflow({
    input: v.object({ topic: v.string(), count: v.optional(v.number(), 3) }),
    run({ input, step }) {
      const topic: string = input.topic;
      const count: number = input.count;
      // @ts-expect-error the schema has no such field
      input.other;
      const at: Promise<string> = step("at", () => new Date());
      // @ts-expect-error a Date is a string once it was stored
      const date: Promise<Date> = step("date", () => new Date());
      return { topic, count, at, date };
    },
  });
  const typed: Workflow<{ topic: string; count: number }> = workflow;
  const any: Record<string, AnyWorkflow> = { any: typed };
  assert.equal(await any.any?.validate({ topic: "AI" }), { value: { topic: "AI", count: 3 } });
});

test("without a schema the input is unknown and passes as it is", async () => {
  const workflow = defineWorkflow({
    run({ input }) {
      // @ts-expect-error nobody has checked the input
      return input.topic;
    },
  });
  assert.equal(await workflow.validate([1]), { value: [1] });
});

test("each fault has a pointer, and none has the value", async () => {
  const input = v.object({
    user: v.object({ "a/b~c": v.number() }),
    tags: v.array(v.string()),
    pin: v.literal(1),
  });
  const workflow = defineWorkflow({ input, run });
  const validation = await workflow.validate({
    user: { "a/b~c": "hunter2" },
    tags: ["x", 99_887_766],
    pin: "hunter2\nhunter2",
  });
  if (!("faults" in validation)) throw new Error("Expected faults");
  assert.equal(
    validation.faults.map((fault) => fault.pointer),
    ["/user/a~1b~0c", "/tags/1", "/pin"],
  );
  assert.not.match(JSON.stringify(validation), /hunter2|99887766/);
});

test("a schema that answers later is waited for", async () => {
  const input = v.pipeAsync(
    v.string(),
    v.checkAsync(async (text) => text === "yes"),
  );
  const workflow = defineWorkflow({ input, run });
  assert.equal(await workflow.validate("yes"), { value: "yes" });
  const validation = await workflow.validate("no");
  assert.ok("faults" in validation && validation.faults.length === 1);
});

test("a workflow is frozen and known by its brand, also one of another loaded copy", () => {
  const workflow = defineWorkflow({ run });
  assert.ok(Object.isFrozen(workflow));
  assert.ok(isWorkflow(workflow));
  assert.ok(isWorkflow({ [Symbol.for("latchhook.workflow")]: true }));
  for (const other of [null, undefined, run, {}, "workflow"]) assert.not(isWorkflow(other));
  assert.ok(isWorkflow(brandWorkflow({ ...workflow, kind: "flow" })));
});

test("triggers are read from YAML's plain values too, and anything else is refused", () => {
  assert.is(parseTriggers(undefined), null);
  assert.equal(parseTriggers([{ provider: "github" }, { provider: "generic" }]), [
    { provider: "github" },
    { provider: "generic" },
  ]);
  assert.equal(parseTriggers([{ provider: "github", event: "pull_request.*", if: "body.n > 1" }]), [
    { provider: "github", event: "pull_request.*", if: "body.n > 1" },
  ]);
  for (const on of [null, "github", {}, ["github"], [null], [{}], [{ provider: 3 }], [{ provider: "x y" }]]) {
    assert.throws(
      () => parseTriggers(on),
      (error: Error) => error instanceof TypeError,
    );
  }
});

const wrongTriggers: readonly [what: string, trigger: object, message: RegExp][] = [
  ["an empty pattern", { event: "" }, /"event" of on\[1\]: give 1 to 255 characters/],
  ["a long pattern", { event: "a".repeat(256) }, /"event" of on\[1\]/],
  ["a pattern that is no text", { event: /push/ }, /"event" of on\[1\]/],
  ["no pattern", { event: null }, /"event" of on\[1\]/],
  ["an empty filter", { if: " " }, /"if" of on\[1\]: give a filter as text/],
  ["a filter that is no text", { if: true }, /"if" of on\[1\]: give a filter as text/],
  ["a function", { if: () => true }, /"if" of on\[1\]: give a filter as text/],
  ["half a filter", { if: "body.a ==" }, /"if" of on\[1\]: Unexpected token: EOF \(character 10\)/],
  ["an unknown variable", { if: "bdoy.a == 1" }, /did you mean body\? \(character 1\)/],
  ["a field that no event has", { if: "event.name == 'a'" }, /No such key: name \(character 7\)/],
  ["what is never true", { if: "size(body.a)" }, /it gives int, and a filter gives true or false/],
  ["a text", { if: "headers['x-kind']" }, /it gives string, and/],
  ["an endless pattern", { if: "body.a.matches('(?=a)')" }, /pattern "\(\?=a\)" cannot be used/],
];
for (const [what, trigger, message] of wrongTriggers) {
  test(`on with ${what} is refused with its entry and place`, () => {
    assert.throws(
      () => parseTriggers([{ provider: "github" }, { provider: "github", ...trigger }]),
      (error: Error) => error instanceof TypeError && message.test(error.message),
    );
  });
}

test("on has 50 entries at most", () => {
  const entries = (count: number) => Array.from({ length: count }, () => ({ provider: "github" }));
  assert.is(parseTriggers(entries(50))?.length, 50);
  assert.throws(() => parseTriggers(entries(51)), /51 entries: at most 50/);
});

test("a pointer escapes what RFC 6901 escapes", () => {
  assert.is(toPointer([]), "");
  assert.is(toPointer(["a/b", "~", 0, ""]), "/a~1b/~0/0/");
});

test.run();
