import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as v from "valibot";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { WebhookError } from "../../lib/errors.ts";
import type { WebhookEvent } from "../../lib/event.ts";
import type { FlowConfig } from "../../lib/flows/flow-config.ts";
import { runWorkflowAsync, runWorkflowFromConfig } from "../../lib/runner/run-workflow.ts";
import { FatalError } from "../../lib/workflow-errors.ts";
import { rejects } from "../support/rejects.ts";

const test = suite("runner/run-workflow");
const examples = join(import.meta.dirname, "../../workflows");

test("a YAML file runs by its path, and its result depends on the inputs", async () => {
  const result = await runWorkflowAsync(join(examples, "simple_workflow.yaml"), { input: "test" });
  assert.equal(result, {
    input: "test",
    greeting: "Hello",
    message: "Hello, test!",
    history: ["test", "Hello, test!"],
  });
});

test("a TypeScript file runs by its URL", async () => {
  const url = pathToFileURL(join(examples, "test.ts"));
  for (const named of [url, url.href]) {
    assert.equal(await runWorkflowAsync(named, { topic: "tall ships" }), {
      topic: "tall ships",
      title: "About tall ships",
      words: 3,
    });
  }
});

test("a sleep is slept, and what comes after it is done", async () => {
  const startedAt = performance.now();
  const result = await runWorkflowAsync(join(examples, "reminder.ts"), { text: "tea", minutes: 0.001 });
  assert.is(result.reminded, "tea");
  assert.type(result.at, "string");
  assert.ok(performance.now() - startedAt > 50);
});

const config: FlowConfig = {
  schema_version: "1.0",
  flow: { name: "double" },
  state: { fields: { x: { type: "int", required: true }, list: { type: "list" } } },
  nodes: [{ id: "a", set: { list: ["{x}", "{x}"] } }],
  edges: [
    { from: "START", to: "a" },
    { from: "a", to: "END" },
  ],
};

test("a flow runs from an object", async () => {
  assert.equal(await runWorkflowFromConfig(config, { x: 2 }), { x: 2, list: [2, 2] });
  await rejects(runWorkflowFromConfig({ ...config, edges: [] }, { x: 2 }), /no edge goes from START/);
});

test("wrong inputs are all named, with their pointers and without their values", async () => {
  await rejects(runWorkflowFromConfig(config, { x: "hunter2", y: "hunter2" }), (error) => {
    assert.ok(error instanceof WebhookError && error.code === "input_invalid");
    assert.equal(
      error.faults.map((fault) => fault.pointer),
      ["/x", "/y"],
    );
    assert.match(
      error.message,
      /Cannot run double with these inputs: \/x: Expected int, found str; \/y: Unknown/,
    );
    assert.not.match(JSON.stringify(error.faults) + error.message, /hunter2/);
  });
});

test("a workflow gets what a server would give it", async () => {
  const seen: { event?: WebhookEvent; keys: string[]; rest: unknown[] } = { keys: [], rest: [] };
  const workflow = defineWorkflow({
    input: v.object({ n: v.number() }),
    async run({ input, event, step, signal, runId, attempt, log }) {
      log.info("nobody hears this");
      seen.event = event;
      await step("one", ({ idempotencyKey, signal: inner }) => {
        assert.is(inner, signal);
        seen.keys.push(idempotencyKey.replace(runId, "RUN"));
      });
      seen.rest.push(input, signal.aborted, attempt);
      return { ok: true };
    },
  });
  assert.equal(await runWorkflowFromConfig(workflow, { n: 1 }), { ok: true });
  assert.equal(seen.keys, ["RUN:one"]);
  assert.equal(seen.rest, [{ n: 1 }, false, 1]);
  assert.is(seen.event?.provider, "generic");
  assert.match(seen.event?.id ?? "", /^evt_/);
  assert.equal(seen.event?.body, { workflow_name: "workflow", inputs: { n: 1 } });
});

test("results go through JSON, as they would on a server", async () => {
  const workflow = defineWorkflow({
    async run({ step }) {
      const date: unknown = await step("date", () => new Date(0));
      const none = await step("none", () => undefined);
      return { date, none: none === undefined, at: new Date(0), gone: undefined };
    },
  });
  assert.equal(await runWorkflowFromConfig(workflow, {}), {
    date: "1970-01-01T00:00:00.000Z",
    none: true,
    at: "1970-01-01T00:00:00.000Z",
  });
});

test("inputs go through JSON too, and what it cannot carry is refused", async () => {
  const workflow = defineWorkflow({ run: ({ input }) => ({ input }) });
  const at = new Date(0);
  assert.equal(await runWorkflowFromConfig(workflow, { at }), { input: { at: at.toJSON() } });
  await rejects(runWorkflowFromConfig(workflow, { n: 1n }), /Cannot store the inputs: JSON cannot carry it/);
});

const failing: [what: string, run: Parameters<typeof defineWorkflow>[0]["run"], message: RegExp][] = [
  [
    "a name used twice",
    ({ step }) => Promise.all([step("a", () => 1), step("a", () => 2)]),
    /add the loop's index/,
  ],
  [
    "a sleep of a step's name",
    ({ step }) => Promise.all([step("a", () => 1), step.sleep("a", 1)]),
    /a step of this run/,
  ],
  [
    "a step's BigInt",
    async ({ step }) => void (await step("big", () => 1n)),
    /step "big": JSON cannot carry it/,
  ],
  [
    "a sleep without a length",
    ({ step }) => step.sleep("nap", "soon" as "1s"),
    /"soon" as duration of sleep "nap"/,
  ],
  [
    "a step that is left alone and throws",
    ({ step }) => {
      step("left", async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        throw new Error("left behind");
      }).catch(() => {});
      return {};
    },
    /left behind/,
  ],
  [
    "a result that is a list",
    () => [1],
    /the result of workflow, which is a list: return an object from run/,
  ],
  ["a result that is nothing", () => undefined, /which is undefined: return an object/],
  ["a result that is null", () => null, /which is null/],
  ["a result that is text", () => "done", /which is string/],
  [
    "a result with a cycle",
    () => {
      const a: Record<string, unknown> = {};
      a.a = a;
      return a;
    },
    /the result of workflow: JSON cannot carry it/,
  ],
];
for (const [what, run, message] of failing) {
  test(`${what} is an error that says so`, async () => {
    await rejects(runWorkflowFromConfig(defineWorkflow({ run }), {}), message);
  });
}

test("an error comes out as the workflow threw it, after one attempt", async () => {
  const thrown = new FatalError("enough");
  let attempts = 0;
  const workflow = defineWorkflow({
    run() {
      attempts++;
      throw thrown;
    },
  });
  await rejects(runWorkflowFromConfig(workflow, {}), (error) => error === thrown);
  assert.is(attempts, 1);
});

test("steps under way are waited for when run has returned, and a sleep is not", async () => {
  let isDone = false;
  const workflow = defineWorkflow({
    run({ step }) {
      void step("slow", async () => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        isDone = true;
      });
      void step.sleep("long", "1d");
      return {};
    },
  });
  await runWorkflowFromConfig(workflow, {});
  assert.ok(isDone);
});

test("the timeout aborts the signal, rejects, and lets no further step start", async () => {
  let isLate = false;
  let signalled: AbortSignal | undefined;
  let returned = (): void => {};
  const isOver = new Promise<void>((resolve) => {
    returned = resolve;
  });
  const workflow = defineWorkflow({
    timeout: "30ms",
    async run({ step, signal }) {
      signalled = signal;
      await new Promise((wake) => setTimeout(wake, 80));
      await step("late", () => {
        isLate = true;
      }).catch(() => {});
      returned();
      return {};
    },
  });
  await rejects(runWorkflowFromConfig(workflow, {}), (error) => {
    assert.ok(error instanceof WebhookError && error.code === "timed_out");
    assert.match(error.message, /within its timeout of 30 ms/);
  });
  assert.ok(signalled?.aborted);
  await isOver;
  assert.not(isLate);
});

test("time asleep is not counted, and time awake after it is counted anew", async () => {
  const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  const workflow = defineWorkflow({
    timeout: "250ms",
    async run({ step, signal }) {
      await wait(150);
      await step.sleep("first", 300);
      await wait(150);
      await step.sleep("second", 300);
      return { isAborted: signal.aborted };
    },
  });
  assert.equal(await runWorkflowFromConfig(workflow, {}), { isAborted: false });
  const busy = defineWorkflow({
    timeout: "40ms",
    async run({ step }) {
      await step.sleep("nap", 80);
      return await new Promise(() => {});
    },
  });
  await rejects(runWorkflowFromConfig(busy, {}), /within its timeout of 40 ms/);
});

test.run();
