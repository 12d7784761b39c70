import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { WebhookError } from "../../lib/errors.ts";
import { openLatchhook, type TestLatchhook } from "../support/open-latchhook.ts";
import { rejects } from "../support/rejects.ts";

const picky = defineWorkflow({
  input: {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: (value: unknown) =>
        typeof value === "object" ? { value } : { issues: [{ message: "must be an object" }] },
    },
  },
  run: ({ input }) => input,
});
// Only deliveries of a provider start it, and code.
const onHub = defineWorkflow({ on: [{ provider: "hub" }], run: ({ input }) => input });
const hub = { algorithm: "hmac-sha256", signature: { header: "x-hub", encoding: "hex" } } as const;

const test = suite<{ opened: TestLatchhook }>("accept/trigger");
test.before.each(async (t) => {
  t.opened = await openLatchhook({ workflows: { picky, "on-hub": onHub }, schemes: { hub } });
});
test.after.each((t) => t.opened.close());

const isCode = (code: string) => (error: Error) => error instanceof WebhookError && error.code === code;

test("it starts any workflow, whatever its on, with what JSON makes of the input", async ({ opened }) => {
  const { runId, duplicate } = await opened.latchhook.trigger("on-hub", { at: new Date(0) });
  assert.is(duplicate, false);
  await opened.clock.advance(0);
  assert.equal((await opened.reaches(runId, "succeeded")).result, { at: "1970-01-01T00:00:00.000Z" });
});

test("the same id with the same input is a duplicate, with another it is a conflict", async ({ opened }) => {
  const options = { webhookId: "order-1" };
  const first = await opened.latchhook.trigger("picky", { n: 1 }, options);
  const copies = await Promise.all([1, 2, 3].map(() => opened.latchhook.trigger("picky", { n: 1 }, options)));
  assert.equal(
    copies,
    copies.map(() => ({ runId: first.runId, duplicate: true })),
  );
  await rejects(opened.latchhook.trigger("picky", { n: 2 }, options), isCode("conflict"));
});

test("an id that code has used takes no sender's name", async ({ opened }) => {
  await opened.latchhook.trigger("picky", {}, { webhookId: "shared" });
  const response = await opened.latchhook.fetch(
    new Request("http://localhost/webhooks/generic", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ workflow_name: "picky", inputs: {}, webhook_id: "shared" }),
    }),
  );
  assert.is(response.status, 202);
});

test("what cannot be started is refused with its reason, and nothing is stored", async ({ opened }) => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  await rejects(opened.latchhook.trigger("nobody", {}), isCode("workflow_unknown"));
  await rejects(opened.latchhook.trigger("__proto__", {}), isCode("workflow_unknown"));
  await rejects(opened.latchhook.trigger("picky", "text"), isCode("input_invalid"));
  await rejects(opened.latchhook.trigger("picky", {}, { webhookId: "" }), isCode("fields_invalid"));
  await rejects(opened.latchhook.trigger("picky", cycle), /JSON cannot carry its input/);
  assert.equal((await opened.admin("GET", "/events")).json.items, []);
});

test("after a stop it is refused", async ({ opened }) => {
  const stopped = opened.latchhook.stop({ grace: 0 });
  await opened.clock.advance(10_000);
  await stopped;
  await rejects(opened.latchhook.trigger("picky", {}), isCode("stopping"));
});

test.run();
