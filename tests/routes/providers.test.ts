import { createHmac } from "node:crypto";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as v from "valibot";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import type { LatchhookOptions } from "../../lib/options.ts";
import type { Scheme } from "../../lib/scheme.ts";
import type { AnyWorkflow } from "../../lib/workflow.ts";
import {
  type Ask,
  DOORS,
  delivery,
  type Json,
  openServer,
  SECRET,
  type TestServer,
} from "../support/open-server.ts";
import { problemOf } from "../support/problem-of.ts";
import { rejects } from "../support/rejects.ts";
import { sampleWorkflows } from "../support/sample-workflows.ts";

/** Its id is signed; it wants an empty 200 and sends bodies above our own limit. */
const acme: Scheme = {
  algorithm: "hmac-sha512",
  signature: { header: "x-acme-mac", prefix: "v1=", encoding: "base64" },
  id: { body: "event.id" },
  type: { body: "event.kind" },
  answer: { status: 200, body: "empty" },
  bodyBytesMax: 2_000_000,
};

/** Its id is not signed; it wants a 204. */
const hub: Scheme = {
  algorithm: "hmac-sha1",
  signature: { header: "x-hub-mac", prefix: "sha1=", encoding: "hex" },
  id: { header: "x-delivery" },
  type: { header: "x-kind" },
  answer: { status: 204 },
  bodyBytesMax: 500,
};

/** It says nothing of ids and types, and takes any 2xx. */
const plain: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-plain-mac", encoding: "hex" },
};

/** What it got, by run. */
const given: { input: unknown; type: string | null; webhookId: string | null; headers: Json }[] = [];
const collect: AnyWorkflow["run"] = ({ input, event }) => {
  given.push({
    input,
    type: event.type,
    webhookId: event.webhookId,
    headers: Object.fromEntries(event.headers),
  });
  return null;
};

const workflows: Readonly<Record<string, AnyWorkflow>> = {
  ...sampleWorkflows,
  collect: defineWorkflow({ on: [{ provider: "acme" }], run: collect }),
  strict: defineWorkflow({
    on: [{ provider: "acme" }, { provider: "hub" }, { provider: "acme" }],
    input: v.object({ amount: v.number() }),
    run: () => null,
  }),
  both: defineWorkflow({ on: [{ provider: "generic" }, { provider: "generic-acme" }], run: collect }),
  quiet: defineWorkflow({ on: [{ provider: "generic-quiet" }], run: () => null }),
};

const OPTIONS: LatchhookOptions = {
  workflows,
  schemes: { acme, hub, plain, "generic-acme": "generic", "generic-quiet": "generic" },
  secrets: {
    generic: SECRET,
    acme: "acme-secret",
    hub: "hub-secret",
    plain: "plain-secret",
    "generic-acme": "alias",
  },
};

const test = suite<{ server: TestServer }>("routes/providers");
test.before.each(async (context) => {
  given.length = 0;
  context.server = await openServer(OPTIONS);
});
test.after.each(({ server }) => server.close());

test("every workflow whose `on` names the provider starts once, and no other", async ({ server }) => {
  const answer = await server.ask("http", fromAcme({ event: { id: "a", kind: "paid" }, amount: 7 }));
  assert.is(answer.status, 200);
  const [event] = await events(server);
  const names = runsOf(event).map((run) => run.workflow_name);
  assert.equal(names, ["collect", "strict"]);
  for (const run of runsOf(event)) await server.reaches(String(run.run_id), "succeeded");
  assert.equal(
    given.map(({ input, type, webhookId }) => [input, type, webhookId]),
    [[{ event: { id: "a", kind: "paid" }, amount: 7 }, "paid", "a"]],
  );
  assert.equal([event?.type, event?.webhook_id, event?.id_source], ["paid", "a", "scheme"]);
});

test("a delivery that starts nothing is stored with no runs", async ({ server }) => {
  const answer = await server.askBoth(fromPlain({ a: 1 }));
  assert.is(answer.status, 202);
  const { event_id: eventId } = answer.json;
  assert.equal(answer.json, {
    status: "accepted",
    event_id: eventId,
    webhook_id: null,
    runs: [],
    run_id: null,
    workflow_name: null,
    run_status: null,
    status_url: null,
  });
  assert.is(answer.headers.get("location"), null);
  const event = (await server.admin("GET", `/events/${eventId}`)).json;
  assert.equal([event.body, event.runs, event.id_source, event.type], [{ a: 1 }, [], null, null]);
});

test("without an id in the scheme or in the delivery two copies are two events", async ({ server }) => {
  for (const asked of [fromPlain({ a: 1 }), fromAcme({ event: { kind: "paid" } }), fromAcme([])]) {
    const before = (await server.count()).events;
    await server.askBoth(asked);
    assert.is((await server.count()).events, before + 2);
  }
});

test("a schema that refuses stores the event and that one run as failed, with the faults", async ({
  server,
}) => {
  assert.is((await server.ask("http", fromAcme({ event: { id: "a" }, amount: "c4n4ry" }))).status, 200);
  const [event] = await events(server);
  const runs = runsOf(event);
  assert.equal(
    runs.map((run) => run.workflow_name),
    ["collect", "strict"],
  );
  const failed = await server.reaches(String(runs[1]?.run_id), "failed");
  const error = failed.error as Json;
  assert.is(error.code, "input_invalid");
  assert.match(String(error.message), "/inputs/amount");
  assert.not.match(String(error.message), "c4n4ry");
  assert.equal([failed.attempts, failed.ended_at === null], [[], false]);
  await server.reaches(String(runs[0]?.run_id), "succeeded");
});

test("a signed id makes a retry with a changed field a duplicate", async ({ server }) => {
  for (const pending of [3, 2, 1]) {
    const answer = await server.ask("http", fromAcme({ event: { id: "a" }, amount: 1, pending }));
    assert.equal([answer.status, answer.text], [200, ""]);
  }
  assert.equal(await server.count(), { events: 1, runs: 2 });
  const { json } = await server.admin("GET", `/events/${(await events(server))[0]?.event_id}`);
  assert.is((json.body as Json).pending, 3, "the first stays as it was");
});

test("an unsigned id with the same bytes is a duplicate, with other bytes another event", async ({
  server,
}) => {
  const same = { "x-delivery": "guid-1" };
  for (const [body, headers, count] of [
    [{ amount: 1 }, same, 1],
    [{ amount: 1 }, same, 1],
    [{ amount: 2 }, same, 2],
    [{ amount: 2 }, { "x-delivery": "guid-2" }, 3],
    [{ amount: 1 }, same, 3],
  ] as const) {
    const answer = await server.askBoth(fromHub(body, headers));
    assert.is(answer.status, 204);
    assert.is((await server.count()).events, count);
  }
});

test("an unsigned id is the header's alone: the body and Idempotency-Key say nothing", async ({ server }) => {
  const body = { webhook_id: "from-body", id: "from-body", amount: 1 };
  await server.ask("http", fromHub(body, { "x-delivery": "guid", "idempotency-key": "from-key" }));
  await server.ask("http", fromHub(body, { "idempotency-key": "from-key" }));
  const seen = (await events(server)).map((event) => [event.webhook_id, event.id_source]);
  assert.equal(seen, [
    [null, null],
    ["guid", "scheme"],
  ]);
});

const ids: readonly [id: unknown, webhookId: RegExp | null][] = [
  ["evt-1", /^evt-1$/],
  [7, /^7$/],
  [-7, /^-7$/],
  [0, /^0$/],
  ["é".repeat(255), /^é{255}$/],
  ["a".repeat(256), /^sha256:[0-9a-f]{64}$/],
  ["a".repeat(100_000), /^sha256:[0-9a-f]{64}$/],
  ["line\nbreak", /^sha256:[0-9a-f]{64}$/],
  ["\ud800", /^sha256:[0-9a-f]{64}$/],
  ["", null],
  [null, null],
  [true, null],
  [["a"], null],
  [{ a: 1 }, null],
];
for (const [id, expected] of ids) {
  test(`the scheme's id ${JSON.stringify(id).slice(0, 20)} is taken as ${expected}`, async ({ server }) => {
    for (const door of DOORS) assert.is((await server.ask(door, fromAcme({ event: { id } }))).status, 200);
    const seen = await events(server);
    assert.is(seen.length, expected === null ? 2 : 1);
    const [event] = seen;
    if (expected === null) assert.is(event?.webhook_id, null);
    else assert.match(String(event?.webhook_id), expected);
  });
}

test("a number and the text of it are the same id, and long ids differ by their end", async ({ server }) => {
  await server.ask("http", fromAcme({ event: { id: 7 } }));
  await server.ask("http", fromAcme({ event: { id: "7" } }));
  assert.is((await server.count()).events, 1);
  for (const end of ["a", "b"])
    await server.ask("http", fromAcme({ event: { id: `${"x".repeat(300)}${end}` } }));
  assert.is((await server.count()).events, 3);
});

test("the answer is the scheme's, for a duplicate as for the first", async ({ server }) => {
  const cases = [
    [fromAcme({ event: { id: "a" } }), 200],
    [fromHub({ amount: 1 }, { "x-delivery": "a" }), 204],
  ] as const;
  for (const [asked, status] of cases) {
    for (let copy = 0; copy < 2; copy++) {
      const answer = await server.askBoth(asked);
      assert.equal([answer.status, answer.text, answer.headers.get("content-type")], [status, "", null]);
    }
  }
  assert.is((await server.count()).events, 2);
});

test("where any 2xx will do, a duplicate gets 202 again and the words of the first", async ({ server }) => {
  const asked = (door: string) =>
    delivery({ webhook_id: door, a: 1 }, { secret: "alias", path: "/webhooks/generic-acme" });
  const first = await server.askBoth(asked);
  assert.equal([first.status, first.json.status, first.json.workflow_name], [202, "accepted", "both"]);
  const second = await server.askBoth(asked);
  assert.equal([second.status, second.json.status], [202, "duplicate"]);
  assert.equal([second.json.run_id, second.json.event_id], [first.json.run_id, first.json.event_id]);
});

test("no matching workflow, no fitting schema and a copy are no 4xx, whatever is in the body", async ({
  server,
}) => {
  for (const body of [null, [], '"text"', 1, {}, { workflow_name: "unknown" }, { event: { id: [] } }]) {
    assert.is((await server.askBoth(fromAcme(body))).status, 200);
    assert.is((await server.askBoth(fromHub(body, { "x-delivery": "a".repeat(1_000) }))).status, 204);
  }
});

const refused: readonly [what: string, asked: Ask, status: number, name: string][] = [
  ["a wrong signature", fromAcme({}, "wrong"), 401, "signature_invalid"],
  ["another provider's secret", fromAcme({}, "hub-secret"), 401, "signature_invalid"],
  ["another provider's header", { ...fromPlain({}), path: "/webhooks/acme" }, 401, "signature_invalid"],
  ["hex where base64 is due", respelled(fromAcme({}), toHexSpelling), 401, "signature_invalid"],
  [
    "base64 without its padding",
    respelled(fromAcme({}), (mac) => mac.replace(/=+$/, "")),
    401,
    "signature_invalid",
  ],
  [
    "no prefix where one is due",
    respelled(fromAcme({}), (mac) => mac.slice("v1=".length)),
    401,
    "signature_invalid",
  ],
  [
    "a prefix where none is due",
    respelled(fromPlain({}), (mac) => `sha256=${mac}`),
    401,
    "signature_invalid",
  ],
  ["truncated JSON", fromAcme('{"event":'), 400, "json_invalid"],
  ["an empty body", fromAcme(""), 400, "json_invalid"],
  ["201 levels", fromAcme(`${"[".repeat(201)}${"]".repeat(201)}`), 400, "json_too_deep"],
  ["a form", { ...fromAcme({}), headers: { "content-type": "text/plain" } }, 415, "content_type"],
  ["a name that is no scheme", { ...fromAcme({}), path: "/webhooks/acne" }, 404, "provider_unknown"],
];
for (const [what, asked, status, name] of refused) {
  test(`${what} gets ${status} and leaves no row`, async ({ server }) => {
    const answer = await server.askBoth(asked);
    assert.equal([answer.status, problemOf(answer).name], [status, name]);
    assert.equal(await server.count(), { events: 0, runs: 0 });
  });
}

test("the scheme's own body limit holds in place of ours, above and below it", async ({ server }) => {
  const acmeOf = (bytes: number) => fromAcme(`{"event":{}}${" ".repeat(bytes - 12)}`);
  const hubOf = (bytes: number) => fromHub(`{}${" ".repeat(bytes - 2)}`, {});
  assert.is((await server.askBoth(acmeOf(2_000_000))).status, 200);
  assert.is((await server.askBoth(acmeOf(2_000_001))).status, 413);
  assert.is((await server.askBoth(hubOf(500))).status, 204);
  assert.is((await server.askBoth(hubOf(501))).status, 413);
  assert.is((await server.askBoth(fromPlain(" ".repeat(1_048_577)))).status, 413);
});

test("kept are content-type, user-agent, the scheme's own headers and those of keepHeaders", async () => {
  const server = await openServer({ ...OPTIONS, keepHeaders: ["X-Trace"] });
  try {
    const sent = {
      "user-agent": "hub/1",
      "x-delivery": "guid",
      "x-kind": "push",
      "x-trace": "trace",
      "x-other": "other",
      authorization: "Bearer c4n4ry",
      cookie: "a=c4n4ry",
      "x-api-key": "c4n4ry",
      "idempotency-key": "c4n4ry",
      "x-forwarded-for": "192.0.2.1",
    };
    await server.ask("http", fromHub({ amount: 1 }, sent));
    const [event] = await events(server);
    const { json } = await server.admin("GET", `/events/${event?.event_id}`);
    assert.equal(json.headers, {
      "content-type": "application/json",
      "user-agent": "hub/1",
      "x-delivery": "guid",
      "x-kind": "push",
      "x-trace": "trace",
    });
    assert.is(json.type, "push");
  } finally {
    await server.close();
  }
});

test("a workflow sees the kept headers and no other", async ({ server }) => {
  await server.ask(
    "http",
    fromAcme({ event: { id: "a" } }, "acme-secret", { authorization: "Bearer c4n4ry" }),
  );
  const run = runsOf((await events(server))[0])[0];
  await server.reaches(String(run?.run_id), "succeeded");
  const { "user-agent": _, ...headers } = given[0]?.headers ?? {};
  assert.equal(headers, { "content-type": "application/json" });
});

test("a signature's header cannot be kept, nor a credential's", async () => {
  for (const name of ["x-hub-mac", "X-Acme-Mac", "x-signature", "authorization", "cookie", "x-api-key"]) {
    const opening = openServer({ ...OPTIONS, keepHeaders: [name] }).then((opened) => opened.close());
    await rejects(opening, new RegExp(`Cannot keep header ${name.toLowerCase()}`));
  }
});

test("generic starts what has no `on`, and what has generic in it", async ({ server }) => {
  for (const name of ["any", "both"]) {
    const answer = await server.askBoth(delivery({ workflow_name: name, inputs: { a: 1 } }));
    assert.equal([answer.status, answer.json.workflow_name], [202, name]);
  }
  const [newest] = await events(server);
  await server.reaches(String(runsOf(newest)[0]?.run_id), "succeeded");
  assert.equal(given[0]?.input, { a: 1 }, "the input is `inputs`, not the whole body");
});

test("on generic a workflow of other providers is answered like an unknown one", async ({ server }) => {
  const answers = [];
  for (const name of ["collect", "quiet", "unknown"]) {
    const answer = await server.askBoth(delivery({ workflow_name: name, inputs: {} }));
    const { request_id: _, ...problem } = answer.json;
    answers.push(JSON.stringify([answer.status, problem]));
  }
  assert.is(new Set(answers).size, 1);
  assert.match(answers[0] ?? "", /^\[404.*workflow_unknown/);
  assert.equal(await server.count(), { events: 0, runs: 0 });
});

test("on generic only the named workflow starts, though another has generic in its `on`", async ({
  server,
}) => {
  const answer = await server.ask("http", delivery({ workflow_name: "any", inputs: {} }));
  assert.equal(
    (answer.json.runs as Json[]).map((run) => run.workflow_name),
    ["any"],
  );
});

test("an alias has its own route, secret and ids, and its body is the input", async ({ server }) => {
  const body = { workflow_name: "any", inputs: {}, webhook_id: "a" };
  const path = "/webhooks/generic-acme";
  assert.is((await server.askBoth(delivery(body, { path }))).status, 401, "generic's secret does not hold");
  assert.is(
    (await server.askBoth(delivery(body, { secret: "alias" }))).status,
    401,
    "nor its own on generic",
  );
  const [own, generic] = [
    await server.ask("http", delivery(body, { path, secret: "alias" })),
    await server.ask("http", delivery(body)),
  ];
  assert.equal([own.status, generic.status], [202, 202]);
  assert.not.equal(own.json.event_id, generic.json.event_id);
  assert.equal(
    (own.json.runs as Json[]).map((run) => run.workflow_name),
    ["both"],
  );
  const run = await server.reaches(String(own.json.run_id), "succeeded");
  assert.equal(run.inputs, body);
  assert.is(
    (await server.ask("http", delivery({ a: 1 }, { path, secret: "alias" }))).status,
    202,
    "it is no generic",
  );
});

test("the default secret serves a provider that a workflow's `on` or the options name, and no other", async () => {
  const schemes = { hub, plain, "generic-acme": "generic", "generic-quiet": "generic" };
  const server = await openServer({
    workflows: { quiet: workflows.quiet as AnyWorkflow },
    schemes,
    secrets: { default: "fallback" },
    providers: ["generic-acme"],
  });
  try {
    for (const [name, status] of [
      ["generic", 404], // verified: the workflow is unknown
      ["generic-quiet", 202],
      ["generic-acme", 202],
      ["plain", 401],
      ["hub", 401],
    ] as const) {
      const body = { workflow_name: "unknown", inputs: {} };
      const asked = delivery(body, { secret: "fallback", path: `/webhooks/${name}` });
      const mac = asked.headers["x-signature"] ?? "";
      const answer = await server.askBoth({ ...asked, headers: { ...asked.headers, "x-plain-mac": mac } });
      assert.is(answer.status, status, name);
    }
  } finally {
    await server.close();
  }
});

for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]) {
  test(`${method} gets 405 where the scheme has no handshake`, async ({ server }) => {
    for (const name of ["acme", "hub", "generic-acme"]) {
      const answer = await server.askBoth({ method, path: `/webhooks/${name}?hub.challenge=1` });
      assert.equal([answer.status, answer.headers.get("allow")], [405, "POST"]);
    }
  });
}

test.run();

function fromAcme(body: unknown, secret = "acme-secret", headers: Ask["headers"] = {}): Ask {
  const wire = wireOf(body);
  const mac = createHmac("sha512", secret).update(wire).digest("base64");
  return posted("acme", wire, { "x-acme-mac": `v1=${mac}`, ...headers });
}

function fromHub(body: unknown, headers: Ask["headers"]): Ask {
  const wire = wireOf(body);
  const mac = createHmac("sha1", "hub-secret").update(wire).digest("hex");
  return posted("hub", wire, { "x-hub-mac": `sha1=${mac}`, ...headers });
}

function fromPlain(body: unknown): Ask {
  const wire = wireOf(body);
  return posted("plain", wire, {
    "x-plain-mac": createHmac("sha256", "plain-secret").update(wire).digest("hex"),
  });
}

/** The same delivery with its signature in another spelling. */
function respelled(asked: Ask, respell: (mac: string) => string): Ask {
  const entries = Object.entries(asked.headers ?? {});
  const headers = entries.map(([name, value]) => [name, name.endsWith("-mac") ? respell(value) : value]);
  return { ...asked, headers: Object.fromEntries(headers) };
}

function toHexSpelling(mac: string): string {
  return `v1=${Buffer.from(mac.slice("v1=".length), "base64").toString("hex")}`;
}

function posted(provider: string, body: string, headers: Ask["headers"]): Ask {
  const type = { "content-type": "application/json" };
  return { method: "POST", path: `/webhooks/${provider}`, body, headers: { ...type, ...headers } };
}

function wireOf(body: unknown): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}

/** Newest first. */
async function events(server: TestServer): Promise<Json[]> {
  return (await server.admin("GET", "/events")).json.items as Json[];
}

function runsOf(event: Json | undefined): Json[] {
  return (event?.runs ?? []) as Json[];
}
