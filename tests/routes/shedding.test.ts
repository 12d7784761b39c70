import { connect, type Socket } from "node:net";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as v from "valibot";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import type { LatchhookOptions } from "../../lib/options.ts";
import type { Storage } from "../../lib/repositories.ts";
import { createStorageBackend } from "../../lib/storage/backend.ts";
import type { Internals } from "../../lib/wiring/latchhook.ts";
import { ManualClock } from "../support/manual-clock.ts";
import {
  type Answer,
  type Ask,
  DOORS,
  delivery,
  openServer,
  SECRET,
  type TestServer,
} from "../support/open-server.ts";
import { until } from "../support/until.ts";

type T = { opened: TestServer[] };
const test = suite<T>("routes/shedding");
test.before.each((t) => {
  t.opened = [];
});
test.after.each(async (t) => {
  for (const server of t.opened) await server.close();
});

async function open(t: T, options: LatchhookOptions, internals: Internals = {}): Promise<TestServer> {
  const server = await openServer(options, internals);
  t.opened.push(server);
  return server;
}

/** A promise that waits until `open` is called. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** A workflow whose runs keep their slots until `open` is called. */
function gated() {
  const { opened, open } = gate();
  return { open, workflow: defineWorkflow({ run: () => opened }) };
}

const named = (workflow: string, id: string): Ask =>
  delivery({ workflow_name: workflow, inputs: {}, webhook_id: id });

function isOverloaded({ status, headers, json }: Answer): boolean {
  return status === 503 && headers.get("retry-after") === "1" && json.type === "urn:latchhook:overloaded";
}

for (const door of DOORS) {
  test(`past RUNS_READY_MAX a delivery is 503 and stored nowhere, a copy of one that was accepted is not (${door})`, async (t) => {
    const { workflow, open: openGate } = gated();
    const server = await open(t, { workflows: { held: workflow }, concurrency: 1, runsReadyMax: 3 });
    for (let at = 0; at < 4; at++) assert.is((await server.ask(door, named("held", `id ${at}`))).status, 202);
    assert.ok(isOverloaded(await server.ask(door, named("held", "one more"))));
    assert.equal(await server.count(), { events: 4, runs: 4 });
    const copy = await server.ask(door, named("held", "id 2"));
    assert.is(copy.status, 200);
    assert.is(copy.json.status, "duplicate");
    const refused = await server.ask(door, named("unknown", "id 9"));
    assert.is(refused.status, 404, "what starts nothing takes no room");
    openGate();
    await until(
      async () => (await server.ask(door, named("held", "one more"))).status === 202,
      "room for the one that was refused",
    );
  });
}

test("a copy takes no room, and neither does a run that its workflow's schema refuses", async (t) => {
  const acme = { algorithm: "hmac-sha256", signature: { header: "x-signature", encoding: "hex" } } as const;
  const workflows = {
    held: gated().workflow,
    strict: defineWorkflow({
      on: [{ provider: "acme" }],
      input: v.object({ amount: v.number() }),
      run: () => null,
    }),
  };
  const secrets = { generic: SECRET, acme: "another" };
  const server = await open(t, { workflows, secrets, schemes: { acme }, concurrency: 1, runsReadyMax: 2 });
  for (const id of ["runs", "waits"]) assert.is((await server.ask("http", named("held", id))).status, 202);
  for (let at = 0; at < 5; at++) assert.is((await server.ask("http", named("held", "waits"))).status, 200);
  assert.is((await server.ask("http", named("held", "waits, too"))).status, 202);
  const body = { any: 1 };
  const unfit = await server.ask("http", delivery(body, { secret: "another", path: "/webhooks/acme" }));
  assert.is(unfit.status, 202);
  assert.ok(isOverloaded(await server.ask("http", named("held", "one more"))));
});

test("runs that sleep, that retry or whose workflow is not here take no room", async (t) => {
  const storage = await createStorageBackend(":memory:");
  const workflows = {
    sleeps: defineWorkflow({ run: ({ step }) => step.sleep("long", "1h") }),
    fails: defineWorkflow({
      retry: { minDelay: "1h", maxDelay: "1h" },
      run: () => {
        throw new Error("later");
      },
    }),
    gone: gated().workflow,
  };
  const before = await openServer({ storage, workflows, concurrency: 1 });
  for (const workflow of ["sleeps", "fails"]) {
    for (let at = 0; at < 3; at++) {
      const { json } = await before.ask("http", named(workflow, `${workflow} ${at}`));
      await before.reaches(String(json.run_id), "queued");
      await until(async () => {
        const { json: run } = await before.admin("GET", `/runs/${json.run_id}`);
        return run.due_at !== null && run.due_at !== undefined;
      }, `${workflow} to wait for its time`);
    }
  }
  for (let at = 0; at < 3; at++) await before.ask("http", named("gone", `gone ${at}`));
  await before.close();
  const { gone: _, ...left } = workflows;
  const held = gated().workflow;
  const server = await open(t, { storage, workflows: { ...left, held }, concurrency: 1, runsReadyMax: 1 });
  assert.is((await server.ask("http", named("held", "runs"))).status, 202);
  assert.is((await server.ask("http", named("held", "waits"))).status, 202);
  assert.ok(isOverloaded(await server.ask("http", named("held", "one more"))));
});

test("above its rate a provider is 429 with the time to wait, and the others are not", async (t) => {
  const clock = new ManualClock();
  const server = await open(t, {
    clock,
    secrets: { generic: SECRET, acme: "another" },
    schemes: { acme: { algorithm: "hmac-sha256", signature: { header: "x-signature", encoding: "hex" } } },
    rateLimits: { generic: "2/m" },
  });
  const statuses = [];
  for (const id of ["a", "b"]) statuses.push((await server.ask("fetch", named("any", id))).status);
  assert.equal(statuses, [202, 202]);
  const over = await server.ask("fetch", named("any", "c"));
  assert.is(over.status, 429);
  assert.is(over.headers.get("retry-after"), "30");
  assert.is(over.json.type, "urn:latchhook:rate_limited");
  assert.is((await server.count()).events, 2);
  const forged = {
    ...named("any", "d"),
    headers: { "content-type": "application/json", "x-signature": "00" },
  };
  for (let at = 0; at < 50; at++) assert.is((await server.ask("fetch", forged)).status, 401);
  const other = delivery({ any: 1 }, { secret: "another", path: "/webhooks/acme" });
  assert.is((await server.ask("fetch", other)).status, 202);
  await clock.advance(30_000);
  assert.is((await server.ask("fetch", named("any", "c"))).status, 202, "and forgeries have used up nothing");
});

test("a rate for no provider, or one that is none, stops the start", async () => {
  for (const [rateLimits, line] of [
    [{ generik: "5/s" }, /WEBHOOK_RATE_LIMIT_GENERIK.*nearest is "generic"/],
    [{ generic: "5" }, /WEBHOOK_RATE_LIMIT_GENERIC.*such as "50\/s"/],
  ] as const) {
    try {
      await openServer({ rateLimits: rateLimits as Record<string, "5/s"> });
      assert.unreachable("it started");
    } catch (error) {
      assert.match(String(error), line);
    }
  }
});

/** A storage whose accepts wait until they are let go. */
async function stuckStorage(): Promise<{ storage: Storage; go: () => void; waiting: () => number }> {
  const storage = await createStorageBackend(":memory:");
  const { opened: gone, open: go } = gate();
  let waiting = 0;
  const accept = storage.accept.bind(storage);
  storage.accept = async (...given) => {
    waiting++;
    await gone;
    return accept(...given);
  };
  return { storage, go, waiting: () => waiting };
}

test("while the disk stands still, one delivery more than fits is 503 before it is read, and room comes back", async (t) => {
  const { storage, go, waiting } = await stuckStorage();
  const server = await open(t, { storage }, { shedding: { deliveriesMax: 5 } });
  const under = Array.from({ length: 5 }, (_, at) => server.ask("http", named("any", `id ${at}`)));
  await until(() => waiting() === 5, "five deliveries to wait for their commit");
  assert.ok(isOverloaded(await server.ask("http", named("any", "one more"))));
  assert.ok(isOverloaded(await server.ask("http", { path: "/webhooks/generic", body: "not even signed" })));
  assert.is((await server.ask("http", { path: "/health" })).status, 200);
  go();
  assert.equal(
    (await Promise.all(under)).map(({ status }) => status),
    Array(5).fill(202),
  );
  assert.is((await server.ask("http", named("any", "one more"))).status, 202);
  assert.is((await server.count()).events, 6);
  await storage.close();
});

test("bodies that wait for their commit are bounded in bytes, and a single one of any size passes", async (t) => {
  const { storage, go, waiting } = await stuckStorage();
  const server = await open(t, { storage }, { shedding: { bytesMax: 1_000 } });
  const sized = (id: string, bytes: number): Ask =>
    delivery({ workflow_name: "any", inputs: { pad: "x".repeat(bytes) }, webhook_id: id });
  const large = server.ask("http", sized("large", 5_000));
  await until(() => waiting() === 1, "the large one to wait");
  assert.ok(isOverloaded(await server.ask("http", sized("small", 1))));
  go();
  assert.is((await large).status, 202);
  assert.is((await server.ask("http", sized("small", 1))).status, 202);
  await storage.close();
});

/** A sender that says what it will send, sends so much of it and stops. */
async function stalled(port: number, sent: string): Promise<{ socket: Socket; said: () => string }> {
  const socket = connect(port, "127.0.0.1");
  let said = "";
  socket.on("data", (chunk) => {
    said += chunk;
  });
  socket.on("error", () => {});
  const head =
    "POST /webhooks/generic HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n";
  await new Promise<void>((resolve) => socket.write(head + sent, () => resolve()));
  return { socket, said: () => said };
}

for (const [what, bodies, sent] of [
  ["fill the memory", { bytesMax: 100_000 }, "x".repeat(20_000)],
  ["hold all places", { readMax: 5 }, ""],
] as const) {
  test(`strangers that ${what} with bodies they do not end are sent away for a delivery that comes at once`, async (t) => {
    const server = await open(t, {}, { bodies });
    const strangers = await Promise.all(Array.from({ length: 5 }, () => stalled(server.port, sent)));
    const inputs = { pad: "x".repeat(30_000) };
    for (let at = 0; at < 3; at++) {
      const body = { workflow_name: "any", inputs, webhook_id: `id ${at}` };
      assert.is((await server.ask("http", delivery(body))).status, 202);
    }
    const gone = (): number => strangers.filter(({ said }) => said().startsWith("HTTP/1.1 503")).length;
    await until(() => gone() >= 1, "a stranger to be sent away");
    assert.ok(gone() < 5, "and no more of them than was needed");
    for (const { socket } of strangers) socket.destroy();
  });
}

test.run();
