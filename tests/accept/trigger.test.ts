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

const isCode = (code: string, message = /^Cannot /, faults: WebhookError["faults"] = []) => {
  return (error: Error) => {
    assert.ok(error instanceof WebhookError);
    assert.is(error.code, code);
    assert.match(error.message, message);
    assert.equal(error.faults, faults);
  };
};

test("it starts any workflow, whatever its on, with what JSON makes of the input", async ({ opened }) => {
  const { runId, duplicate } = await opened.latchhook.trigger("on-hub", { at: new Date(0) });
  assert.is(duplicate, false);
  await opened.clock.advance(0);
  assert.equal((await opened.reaches(runId, "succeeded")).result, { at: "1970-01-01T00:00:00.000Z" });
});

test("what is stored says where it came from, and a run of it can be looked up", async ({ opened }) => {
  const { runId } = await opened.latchhook.trigger("picky", { n: 1 }, { webhookId: "order-1" });
  const { items } = (await opened.admin("GET", "/events")).json as { items: { event_id: string }[] };
  const event = (await opened.admin("GET", `/events/${items[0]?.event_id}`)).json;
  const { provider, id_source, webhook_id, type, content_type, headers, body, notes } = event;
  assert.equal(
    { provider, id_source, webhook_id, type, content_type, headers, body, notes },
    {
      provider: "generic",
      id_source: "trigger",
      webhook_id: "order-1",
      type: "picky",
      content_type: "application/json",
      headers: {},
      body: { workflow_name: "picky", inputs: { n: 1 } },
      notes: ["triggered from code"],
    },
  );
  assert.match(String(event.event_id), /^evt_/);
  // As earlier versions have stored it, so that an id holds over an upgrade.
  const keys = { idKey: "generic:trigger:order-1", guardKey: null, bodyHash: new Uint8Array(32) };
  const known = await opened.storage.findAccepted(keys, "duplicate");
  assert.is(known?.eventId, event.event_id);
  assert.match(runId, /^run_/);
});

test("without an id two triggers are two events", async ({ opened }) => {
  const runIds = [await opened.latchhook.trigger("picky", {}), await opened.latchhook.trigger("picky", {})];
  assert.is(new Set(runIds.map(({ runId }) => runId)).size, 2);
  const { items } = (await opened.admin("GET", "/events")).json as { items: Record<string, unknown>[] };
  assert.equal(
    items.map((event) => [event.webhook_id, event.id_source]),
    [
      [null, null],
      [null, null],
    ],
  );
});

test("the same id with the same input is a duplicate, with another it is a conflict", async ({ opened }) => {
  const options = { webhookId: "order-1" };
  const first = await opened.latchhook.trigger("picky", { n: 1 }, options);
  const copies = await Promise.all([1, 2, 3].map(() => opened.latchhook.trigger("picky", { n: 1 }, options)));
  assert.equal(
    copies,
    copies.map(() => ({ runId: first.runId, duplicate: true })),
  );
  await rejects(
    opened.latchhook.trigger("picky", { n: 2 }, options),
    isCode("conflict", /trigger picky: its webhookId/),
  );
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

const NO_OBJECT = [{ pointer: "", detail: "must be an object" }];
const EMPTY = [{ pointer: "/webhook_id", detail: "must not be empty" }];

test("what cannot be started is refused with its reason, and nothing is stored", async ({ opened }) => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  await rejects(opened.latchhook.trigger("nobody", {}), isCode("workflow_unknown", /trigger "nobody"/));
  await rejects(opened.latchhook.trigger("__proto__", {}), isCode("workflow_unknown"));
  await rejects(
    opened.latchhook.trigger("picky", "text"),
    isCode("input_invalid", /trigger picky/, NO_OBJECT),
  );
  await rejects(
    opened.latchhook.trigger("picky", {}, { webhookId: "" }),
    isCode("fields_invalid", /not usable/, EMPTY),
  );
  await rejects(opened.latchhook.trigger("picky", cycle), (error) => {
    assert.match(error.message, /trigger picky: JSON cannot carry its input/);
    assert.instance(error.cause, TypeError);
  });
  assert.equal((await opened.admin("GET", "/events")).json.items, []);
});

test("after a stop it is refused", async ({ opened }) => {
  const stopped = opened.latchhook.stop({ grace: 0 });
  await opened.clock.advance(10_000);
  await stopped;
  await rejects(opened.latchhook.trigger("picky", {}), isCode("stopping"));
});

test.run();
