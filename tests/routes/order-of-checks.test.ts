import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { ManualClock } from "../support/manual-clock.ts";
import {
  type Answer,
  type Ask,
  AUTHORIZED,
  delivery,
  openServer,
  SECRET,
  type TestServer,
} from "../support/open-server.ts";
import { problemOf } from "../support/problem-of.ts";
import { sampleWorkflows } from "../support/sample-workflows.ts";

/** A check with the answer of a request that fails it alone. */
type Check<Name extends string> = readonly [name: Name, status: number, problem: string];

/** In the order of the design. */
const DELIVERY_CHECKS = [
  ["path", 404, "provider_unknown"],
  ["method", 405, "method_not_allowed"],
  ["load", 503, "stopping"],
  ["type", 415, "content_type"],
  ["size", 413, "body_too_large"],
  ["signature", 401, "signature_invalid"],
  ["json", 400, "json_invalid"],
  ["fields", 422, "fields_invalid"],
  ["id", 422, "id_conflict"],
  ["workflow", 404, "workflow_unknown"],
  ["inputs", 422, "input_invalid"],
] as const satisfies readonly Check<string>[];
type DeliveryCheck = (typeof DELIVERY_CHECKS)[number][0];

const ADMIN_CHECKS = [
  ["path", 404, "not_found"],
  ["method", 405, "method_not_allowed"],
  ["load", 503, "stopping"],
  ["origin", 403, "origin_foreign"],
  ["failures", 429, "too_many_failures"],
  ["token", 401, "unauthorized"],
  ["type", 415, "content_type"],
  ["size", 413, "body_too_large"],
  ["json", 400, "json_invalid"],
  ["fields", 422, "fields_invalid"],
  ["id", 404, "not_found"],
] as const satisfies readonly Check<string>[];
type AdminCheck = (typeof ADMIN_CHECKS)[number][0];

const SPACES = " ".repeat(2 * 1_048_576);

/** A delivery that fails these checks and no other. */
function badDelivery(broken: ReadonlySet<DeliveryCheck>): Ask {
  const value = {
    workflow_name: broken.has("workflow") ? "unknown" : "write",
    inputs: broken.has("fields") ? "text" : broken.has("inputs") ? { topic: 1 } : { topic: "AI" },
    webhook_id: broken.has("id") ? "seen" : "new",
  };
  const json = JSON.stringify(value);
  const text = (broken.has("json") ? json.slice(0, -1) : json) + (broken.has("size") ? SPACES : "");
  const asked = delivery(text, {
    secret: broken.has("signature") ? "wrong" : SECRET,
    path: broken.has("path") ? "/webhooks/unknown" : "/webhooks/generic",
  });
  return {
    ...asked,
    method: broken.has("method") ? "PUT" : "POST",
    headers: { ...asked.headers, "content-type": broken.has("type") ? "text/plain" : "application/json" },
  };
}

function badCommand(broken: ReadonlySet<AdminCheck>, eventId: string): Ask {
  const json = JSON.stringify({ workflow_name: broken.has("fields") ? 1 : "any" });
  const id = broken.has("id") ? "evt_unknown" : eventId;
  return {
    method: broken.has("method") ? "PUT" : "POST",
    path: `/events/${id}/${broken.has("path") ? "replays" : "replay"}`,
    headers: {
      "content-type": broken.has("type") ? "text/plain" : "application/json",
      ...(broken.has("token") ? { authorization: "Bearer wrong" } : AUTHORIZED),
      ...(broken.has("origin") ? { origin: "https://evil.example" } : {}),
    },
    body: (broken.has("json") ? json.slice(0, -1) : json) + (broken.has("size") ? SPACES : ""),
  };
}

const deliveries = suite<{ open: TestServer; stopped: TestServer }>("routes/order-of-checks: deliveries");
deliveries.before(async (context) => {
  context.open = await openServer();
  const first = { workflow_name: "write", inputs: { topic: "first" }, webhook_id: "seen" };
  const accepted = await context.open.ask("http", delivery(first));
  assert.is(accepted.status, 202);
  context.stopped = await openServer();
  await context.stopped.latchhook.stop({ grace: 0 });
});
deliveries.after(async ({ open, stopped }) => {
  await open.close();
  await stopped.close();
});

for (const [broken, [name, status, problem]] of pairs(DELIVERY_CHECKS)) {
  deliveries(`what fails ${[...broken].join(" and ")} is told about ${name}`, async ({ open, stopped }) => {
    const server = broken.has("load") ? stopped : open;
    const answer = await server.askBoth(badDelivery(broken));
    assert.equal([answer.status, problemOf(answer).name], [status, problem]);
    assert.equal(await open.count(), { events: 1, runs: 1 });
  });
}

deliveries("what fails nothing is accepted", async ({ open }) => {
  assert.is((await open.ask("http", badDelivery(new Set()))).status, 202);
});

deliveries.run();

const commands = suite<{ open: TestServer; stopped: TestServer; locked: TestServer; eventId: string }>(
  "routes/order-of-checks: admin routes",
);
commands.before(async (context) => {
  // The clock stands still, so that the second of the failures never ends.
  context.open = await openServer({ clock: new ManualClock() });
  const accepted = await context.open.ask("http", delivery({ workflow_name: "any", inputs: {} }));
  context.eventId = String(accepted.json.event_id);
  context.stopped = await openServer();
  await context.stopped.latchhook.stop({ grace: 0 });
  context.locked = await openServer({ clock: new ManualClock(), storage: context.open.storage });
  for (let failure = 0; failure < 11; failure++) await context.locked.ask("http", { path: "/runs" });
});
commands.after(async ({ open, stopped, locked }) => {
  await locked.close();
  await stopped.close();
  await open.close();
});

for (const [broken, [name, status, problem]] of pairs(ADMIN_CHECKS)) {
  commands(`what fails ${[...broken].join(" and ")} is told about ${name}`, async (context) => {
    const server = broken.has("load")
      ? context.stopped
      : broken.has("failures")
        ? context.locked
        : context.open;
    const asked = badCommand(broken, context.eventId);
    // Each wrong token counts, so it is asked for over the socket on a server of its own. Through fetch nobody is
    // known, and a right token still passes.
    const isCounted = broken.has("failures") || broken.has("token");
    const answer = isCounted ? await askFresh(server, asked, broken) : await server.askBoth(asked);
    assert.equal([answer.status, problemOf(answer).name], [status, problem]);
    assert.equal(await context.open.count(), { events: 1, runs: 1 });
  });
}

commands("what fails nothing makes a run", async ({ open, eventId }) => {
  assert.is((await open.ask("http", badCommand(new Set(), eventId))).status, 202);
});

commands.run();

const strangers = suite<{ server: TestServer }>("routes/order-of-checks: what strangers can learn");
strangers.before.each(async (context) => {
  context.server = await openServer({
    clock: new ManualClock(),
    schemes: { "generic-acme": "generic" },
    workflows: {
      ...sampleWorkflows,
      triggered: defineWorkflow({ on: [{ provider: "generic-acme" }], run: () => null }),
    },
  });
});
strangers.after.each(({ server }) => server.close());

strangers(
  "an unsigned delivery's answer says nothing about secrets, ids, workflows or the body",
  async (context) => {
    const { server } = context;
    await server.ask("http", delivery({ workflow_name: "any", inputs: {}, webhook_id: "seen" }));
    const bodies = [
      { workflow_name: "any", inputs: {}, webhook_id: "seen" },
      { workflow_name: "any", inputs: {}, webhook_id: "new" },
      { workflow_name: "unknown", inputs: {} },
      { workflow_name: "write", inputs: {} },
      {},
      "not JSON",
      Uint8Array.of(0xff),
      "",
    ];
    const signatures = [undefined, "", "a, b", "0".repeat(64), "sha1=00"];
    const answers = new Set<string>();
    for (const path of ["/webhooks/generic", "/webhooks/generic-acme"]) {
      for (const body of bodies) {
        for (const given of signatures) {
          const { "x-signature": _, ...headers } = delivery(body).headers;
          const signed = given === undefined ? headers : { ...headers, "x-signature": given };
          const answer = await server.askBoth({ ...delivery(body, { path }), headers: signed });
          answers.add(withoutRequestId(answer));
        }
        const prefer = { prefer: "wait=5", "idempotency-key": "seen" };
        answers.add(
          withoutRequestId(await server.askBoth(delivery(body, { path, secret: "wrong", headers: prefer }))),
        );
      }
    }
    assert.is(answers.size, 1, [...answers].join("\n"));
    assert.match([...answers].join(), /^\[401,/);
    assert.equal(await server.count(), { events: 1, runs: 1 });
  },
);

strangers("sizes and types are judged the same with and without a secret", async ({ server }) => {
  const asks = [
    { headers: { "content-type": "text/plain" }, body: "{}" },
    { headers: { "content-type": "application/json", "content-encoding": "br" }, body: "{}" },
    { headers: { "content-type": "application/json" }, body: SPACES },
    { headers: { "content-type": "application/json" }, method: "PUT", body: "{}" },
  ];
  for (const asked of asks) {
    const [known, bare] = [
      await server.askBoth({ method: "POST", ...asked, path: "/webhooks/generic" }),
      await server.askBoth({ method: "POST", ...asked, path: "/webhooks/generic-acme" }),
    ];
    assert.is(withoutRequestId(known), withoutRequestId(bare));
    assert.not.equal(known.status, 401);
  }
});

strangers("without the token a known id is answered like an unknown one", async () => {
  const answers = new Set<string>();
  const clock = new ManualClock();
  const server = await openServer({ clock });
  try {
    const { json } = await server.ask("http", delivery({ workflow_name: "any", inputs: {} }));
    const asks: Ask[] = [
      { path: "/runs" },
      { path: "/runs?limit=x" },
      { path: `/runs/${json.run_id}` },
      { path: "/runs/run_unknown" },
      { path: `/events/${json.event_id}` },
      { path: "/events/evt_unknown" },
      { path: "/workflows" },
      { method: "DELETE", path: `/events/${json.event_id}` },
      { method: "POST", path: `/runs/${json.run_id}/cancel`, body: "not JSON" },
      { method: "POST", path: "/runs/run_unknown/retry" },
      {
        method: "POST",
        path: `/events/${json.event_id}/replay`,
        headers: { "content-type": "text/plain" },
        body: "x",
      },
    ];
    for (const asked of asks) {
      clock.block(1_000); // a second without failures
      answers.add(withoutRequestId(await server.askBoth(asked)));
      const authorization = { authorization: "Bearer wrong" };
      answers.add(
        withoutRequestId(await server.askBoth({ ...asked, headers: { ...asked.headers, ...authorization } })),
      );
    }
    assert.is(answers.size, 1, [...answers].join("\n"));
    assert.match([...answers].join(), /^\[401,/);
    assert.equal(await server.count(), { events: 1, runs: 1 });
  } finally {
    await server.close();
  }
});

strangers.run();

/** Every two checks, and each alone, with the earlier one's answer. */
function pairs<Name extends string>(
  checks: readonly Check<Name>[],
): (readonly [broken: ReadonlySet<Name>, first: Check<Name>])[] {
  return checks.flatMap((first, at) => {
    const later = checks.slice(at + 1).map(([name]) => name);
    return [[], ...later.map((name) => [name])].map(
      (names) => [new Set([first[0], ...names]), first] as const,
    );
  });
}

async function askFresh(server: TestServer, asked: Ask, broken: ReadonlySet<AdminCheck>): Promise<Answer> {
  if (broken.has("failures") || broken.has("load")) return server.ask("http", asked);
  const fresh = await openServer({ storage: server.storage, clock: new ManualClock() });
  try {
    return await fresh.askBoth(asked);
  } finally {
    await fresh.close();
  }
}

function withoutRequestId({ status, json, headers }: Answer): string {
  const { request_id: _, ...rest } = json;
  const kept = ["allow", "cache-control", "content-type", "retry-after", "www-authenticate"];
  return JSON.stringify([status, rest, kept.map((name) => headers.get(name))]);
}
