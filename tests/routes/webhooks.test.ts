import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { InvalidSignatureError, WebhookError } from "../../lib/errors.ts";
import {
  DOORS,
  delivery,
  type Json,
  openServer,
  SECRET,
  shapeOf,
  type TestServer,
} from "../support/open-server.ts";
import { problemOf } from "../support/problem-of.ts";
import { signature } from "../support/sign.ts";

const BODY = { workflow_name: "hold", inputs: { topic: "AI" } };

const test = suite<{ server: TestServer }>("routes/webhooks");
test.before.each(async (context) => {
  context.server = await openServer();
});
test.after.each((context) => context.server.close());

test("an accepted delivery is told everything about its event and its run", async ({ server }) => {
  const answer = await server.askBoth((door) => delivery({ ...BODY, webhook_id: `id-${door}` }));
  assert.is(answer.status, 202);
  assert.is(answer.headers.get("content-type"), "application/json");
  const { event_id: eventId, run_id: runId } = answer.json;
  assert.match(String(eventId), /^evt_[\w-]{24}$/);
  assert.match(String(runId), /^run_[\w-]{24}$/);
  const statusUrl = `/runs/${runId}`;
  assert.equal(answer.json, {
    status: "accepted",
    event_id: eventId,
    webhook_id: "id-http",
    runs: [{ run_id: runId, workflow_name: "hold", status: "running", status_url: statusUrl }],
    run_id: runId,
    workflow_name: "hold",
    run_status: "running",
    status_url: statusUrl,
  });
  assert.is(answer.headers.get("location"), statusUrl);
  assert.equal(await server.count(), { events: 2, runs: 2 });
  assert.is((await server.admin("GET", statusUrl)).json.run_id, runId, "status_url leads to the run");
});

test("a delivery without an id has none, and a second copy of it is another event", async ({ server }) => {
  const [first, second] = [
    await server.ask("http", delivery(BODY)),
    await server.ask("fetch", delivery(BODY)),
  ];
  assert.equal([first.status, second.status], [202, 202]);
  assert.is(first.json.webhook_id, null);
  assert.not.equal(first.json.event_id, second.json.event_id);
  assert.equal(await server.count(), { events: 2, runs: 2 });
});

test("a duplicate gets 200, the first event's shape and the run's status of now", async ({ server }) => {
  const asked = delivery({ ...BODY, webhook_id: "a" });
  const first = await server.ask("http", asked);
  const runId = String(first.json.run_id);
  await server.reaches(runId, "running");
  const second = await server.askBoth(asked);
  assert.is(second.status, 200);
  const runs = (first.json.runs as Json[]).map((run) => ({ ...run, status: "running" }));
  assert.equal(second.json, { ...first.json, status: "duplicate", run_status: "running", runs });
  assert.is(second.headers.get("location"), first.headers.get("location"));
  await server.admin("POST", `/runs/${runId}/cancel`);
  assert.is((await server.askBoth(asked)).json.run_status, "cancelled");
  assert.equal(await server.count(), { events: 1, runs: 1 });
});

test("the same id with another body is refused and leaves the first event as it was", async ({ server }) => {
  const first = await server.ask("http", delivery({ ...BODY, webhook_id: "a" }));
  const path = `/events/${first.json.event_id}`;
  const before = (await server.admin("GET", path)).json;
  const bodies = [
    { ...BODY, webhook_id: "a", inputs: { topic: "ML" } },
    { ...BODY, webhook_id: "a", workflow_name: "unknown" },
    { ...BODY, webhook_id: "a", workflow_name: "write", inputs: {} },
    `${JSON.stringify({ ...BODY, webhook_id: "a" })} `,
  ];
  for (const body of bodies) {
    const answer = await server.askBoth(delivery(body));
    assert.is(answer.status, 422);
    const { name, errors } = problemOf(answer);
    assert.is(name, "id_conflict");
    assert.equal(
      errors.map(({ pointer }) => pointer),
      ["/webhook_id"],
    );
  }
  const after = (await server.admin("GET", path)).json;
  const statusless = ({ runs, ...event }: Json): Json => ({ ...event, runs: (runs as Json[]).length });
  assert.equal(statusless(after), statusless(before));
  assert.equal(await server.count(), { events: 1, runs: 1 });
});

test("Idempotency-Key names the event, bare and quoted alike", async ({ server }) => {
  const asked = (key: string, body: unknown = BODY) =>
    delivery(body, { headers: { "idempotency-key": key } });
  const first = await server.ask("http", asked("order-7"));
  assert.equal([first.status, first.json.webhook_id], [202, "order-7"]);
  for (const key of ["order-7", '"order-7"']) {
    const copy = await server.askBoth(asked(key));
    assert.equal([copy.status, copy.json.run_id], [200, first.json.run_id]);
  }
  const conflict = await server.askBoth(asked("order-7", { ...BODY, inputs: {} }));
  assert.is(conflict.status, 422);
  assert.is(problemOf(conflict).name, "id_conflict");
  const spaced = await server.askBoth((door) => asked(`"order ${door}, \\"8\\""`));
  assert.is(spaced.json.webhook_id, 'order http, "8"');
  assert.equal(await server.count(), { events: 3, runs: 3 });
});

const badKeys: readonly [key: string, why: string][] = [
  ["", "empty"],
  ["a b", "bare with a space"],
  ['"a', "half quoted"],
  ['"a" b', "more behind the quote"],
  ["a, b", "two in one header"],
  ['"a", "b"', "two quoted in one header"],
  ["k".repeat(256), "256 characters"],
  ['""', "quoted and empty"],
];
for (const [key, why] of badKeys) {
  test(`an Idempotency-Key that is ${why} gets 422 and stores nothing`, async ({ server }) => {
    const answer = await server.askBoth(delivery(BODY, { headers: { "idempotency-key": key } }));
    assert.is(answer.status, 422);
    assert.equal(
      problemOf(answer).errors.map(({ pointer }) => pointer),
      ["/webhook_id"],
    );
    assert.equal(await server.count(), { events: 0, runs: 0 });
  });
}

test("where the body has an id the header is not even read", async ({ server }) => {
  const asked = (door: string, key: string) =>
    delivery({ ...BODY, webhook_id: `body-${door}` }, { headers: { "idempotency-key": key } });
  const first = await server.askBoth((door) => asked(door, "from the header, and malformed"));
  assert.is(first.json.webhook_id, "body-http");
  assert.is((await server.askBoth((door) => asked(door, "another"))).status, 200);
  const { json } = await server.admin("GET", `/events/${first.json.event_id}`);
  assert.is(json.id_source, "body");
});

test("an id from the header never takes the name of one from the body", async ({ server }) => {
  const squatter = await server.ask("http", delivery(BODY, { headers: { "idempotency-key": "a" } }));
  const owner = await server.ask("http", delivery({ ...BODY, webhook_id: "a" }));
  assert.equal([squatter.status, owner.status], [202, 202]);
  assert.not.equal(squatter.json.event_id, owner.json.event_id);
  const { json } = await server.admin("GET", "/events?webhook_id=a");
  assert.equal(
    (json.items as Json[]).map((event) => event.id_source),
    ["body", "header"],
  );
});

test("with requireId a delivery needs an id in its signed body", async () => {
  const server = await openServer({ requireId: true });
  try {
    const refused = [delivery(BODY), delivery(BODY, { headers: { "idempotency-key": "a" } })];
    for (const asked of [...refused, delivery({ ...BODY, webhook_id: null })]) {
      const answer = await server.askBoth(asked);
      assert.is(answer.status, 422);
      assert.equal(
        problemOf(answer).errors.map(({ pointer }) => pointer),
        ["/webhook_id"],
      );
    }
    assert.equal(await server.count(), { events: 0, runs: 0 });
    assert.is((await server.ask("http", delivery({ ...BODY, webhook_id: "a" }))).status, 202);
  } finally {
    await server.close();
  }
});

test("200 copies at once make one event and one run", async ({ server }) => {
  const asked = delivery({ workflow_name: "write", inputs: { topic: "AI" }, webhook_id: "a" });
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, at) => server.ask(at % 8 === 0 ? "fetch" : "http", asked)),
  );
  const statuses = answers.map(({ status }) => status).sort();
  assert.equal(statuses, [...Array(199).fill(200), 202]);
  assert.is(new Set(answers.map(({ json }) => json.run_id)).size, 1);
  assert.equal(await server.count(), { events: 1, runs: 1 });
});

test("200 copies at once with two bodies: one body wins, all of the other are refused", async ({
  server,
}) => {
  const [a, b] = [delivery({ ...BODY, webhook_id: "a" }), delivery({ ...BODY, webhook_id: "a", inputs: {} })];
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, at) => server.ask("http", at % 2 ? a : b)),
  );
  const statuses = answers.map(({ status }) => status).sort();
  assert.equal(statuses, [...Array(99).fill(200), 202, ...Array(100).fill(422)]);
  assert.equal(await server.count(), { events: 1, runs: 1 });
});

test("the signature covers the bytes as they arrived, white space too", async ({ server }) => {
  const compact = JSON.stringify(BODY);
  const spaced = JSON.stringify(BODY, null, 2);
  assert.is((await server.askBoth(delivery(spaced))).status, 202);
  const wrong = { ...delivery(spaced), headers: delivery(compact).headers };
  assert.is((await server.askBoth(wrong)).status, 401);
  assert.is((await server.askBoth({ ...delivery(compact), body: `${compact}\n` })).status, 401);
});

test("the stored body and the signature survive bytes of every length of UTF-8", async ({ server }) => {
  const inputs = { topic: "é€😀\u0000", more: "\u{10ffff}" };
  const answer = await server.askBoth(delivery({ ...BODY, inputs }));
  assert.is(answer.status, 202);
  const { json } = await server.admin("GET", `/events/${answer.json.event_id}`);
  assert.equal((json.body as Json).inputs, inputs);
});

const hex = signature(JSON.stringify(BODY), SECRET);
const spellings: readonly [value: string | null, status: number, what: string][] = [
  [hex, 202, "bare hex"],
  [`sha256=${hex}`, 202, "hex after sha256="],
  [hex.toUpperCase(), 202, "upper-case hex"],
  [`sha256=${hex.toUpperCase()}`, 202, "upper-case hex after sha256="],
  [`SHA256=${hex}`, 401, "an upper-case prefix"],
  [`sha1=${hex}`, 401, "another algorithm's prefix"],
  [`sha1=${signature(JSON.stringify(BODY), SECRET, "sha1")}`, 401, "a right sha1"],
  [signature(JSON.stringify(BODY), SECRET, "sha512"), 401, "a right sha512"],
  [`sha256=sha256=${hex}`, 401, "a doubled prefix"],
  [null, 401, "no header"],
  ["", 401, "an empty header"],
  ["sha256=", 401, "a prefix alone"],
  [`${hex}, ${hex}`, 401, "two signatures in one header"],
  [`${hex},${hex}`, 401, "two signatures with a comma"],
  [hex.replace(/./, "g"), 401, "a digit that is not hex"],
  [hex.slice(0, -1), 401, "63 digits"],
  [hex.slice(0, -2), 401, "31 bytes"],
  [`${hex}00`, 401, "33 bytes"],
  [`0x${hex}`, 401, "hex after 0x"],
  [Buffer.from(hex, "hex").toString("base64"), 401, "base64"],
  [signature(JSON.stringify(BODY), "other"), 401, "another secret's"],
  [signature(JSON.stringify(BODY), ""), 401, "an empty secret's"],
  ["0".repeat(64), 401, "zeros"],
  ["a".repeat(8_000), 401, "8000 characters"],
];
for (const [value, status, what] of spellings) {
  test(`${what} in X-Signature gives ${status}`, async ({ server }) => {
    const asked = delivery(BODY);
    const { "x-signature": _, ...headers } = asked.headers;
    const answer = await server.askBoth({
      ...asked,
      headers: value === null ? headers : { ...headers, "x-signature": value },
    });
    assert.is(answer.status, status);
    if (status === 202) return;
    assert.is(problemOf(answer).name, "signature_invalid");
    assert.ok(answer.headers.has("www-authenticate"));
    assert.equal(await server.count(), { events: 0, runs: 0 });
  });
}

test("each of several secrets may have signed, and no other", async () => {
  const server = await openServer({ secrets: { generic: ["new-secret", "old-secret"] } });
  try {
    for (const secret of ["new-secret", "old-secret"]) {
      assert.is((await server.askBoth(delivery(BODY, { secret }))).status, 202, secret);
    }
    for (const secret of ["older-secret", "new-secret,old-secret"]) {
      assert.is((await server.askBoth(delivery(BODY, { secret }))).status, 401, secret);
    }
  } finally {
    await server.close();
  }
});

test("the default secret serves generic until generic has its own", async () => {
  const fallback = await openServer({ secrets: { default: "fallback-secret" } });
  const own = await openServer({ secrets: { default: "fallback-secret", generic: "own-secret" } });
  try {
    const asked = delivery(BODY, { secret: "fallback-secret" });
    assert.is((await fallback.askBoth(asked)).status, 202);
    assert.is((await own.askBoth(asked)).status, 401);
    assert.is((await own.askBoth(delivery(BODY, { secret: "own-secret" }))).status, 202);
  } finally {
    await fallback.close();
    await own.close();
  }
});

test("allowUnsigned lets deliveries in without a signature, and says so on the event", async () => {
  const open = await openServer({ secrets: {}, allowUnsigned: ["generic"] });
  const both = await openServer({ secrets: { generic: SECRET }, allowUnsigned: ["generic"] });
  try {
    assert.match(open.latchhook.describe().modeMeans, /^deliveries of generic need no signature, all others/);
    assert.match(both.latchhook.describe().modeMeans, /^every delivery needs its provider's signature/);
    const { body, path } = delivery(BODY);
    const unsigned = { path, body, headers: { "content-type": "application/json" } };
    const answer = await open.askBoth(unsigned);
    assert.is(answer.status, 202);
    const { json } = await open.admin("GET", `/events/${answer.json.event_id}`);
    assert.match((json.notes as string[]).join(), "not signed");
    assert.is((await both.askBoth(unsigned)).status, 401, "it never weakens one that has a secret");
  } finally {
    await open.close();
    await both.close();
  }
});

/** What no answer may repeat. */
const CANARY = "c4n4ry";

const nested = (levels: number): string =>
  `{"workflow_name":"any","inputs":{"a":${"[".repeat(levels - 2)}${"]".repeat(levels - 2)}}}`;

interface Bad {
  what: string;
  body: unknown;
  status: number;
  name: string;
  /** Of each entry of `errors`, in order. */
  pointers?: readonly string[];
}

const bad: readonly Bad[] = [
  ...[
    { what: "no workflow_name", body: { inputs: {} } },
    { what: "a workflow_name that is a number", body: { workflow_name: 1, inputs: {} } },
    { what: "a workflow_name that is null", body: { workflow_name: null, inputs: {} } },
    { what: "a workflow_name that is a list", body: { workflow_name: ["any"], inputs: {} } },
  ].map((one) => ({ ...one, status: 422, name: "fields_invalid", pointers: ["/workflow_name"] })),
  ...[
    CANARY,
    "",
    `../${CANARY}`,
    "../any",
    "./any",
    "any.ts",
    "Any",
    "any\u0000",
    "__proto__",
    "constructor",
    "toString",
    "a".repeat(10_000),
  ].map((workflow) => ({
    what: `workflow_name ${JSON.stringify(workflow).slice(0, 30)}`,
    body: { workflow_name: workflow, inputs: {} },
    status: 404,
    name: "workflow_unknown",
  })),
  ...[
    { what: "no inputs", body: { workflow_name: "any" } },
    { what: "inputs that are null", body: { workflow_name: "any", inputs: null } },
    { what: "inputs that are a list", body: { workflow_name: "any", inputs: [CANARY] } },
    { what: "inputs that are text", body: { workflow_name: "any", inputs: CANARY } },
    { what: "inputs that are inherited", body: '{"workflow_name":"any","__proto__":{"inputs":{}}}' },
  ].map((one) => ({ ...one, status: 422, name: "fields_invalid", pointers: ["/inputs"] })),
  ...[
    { what: "a missing input", body: { workflow_name: "write", inputs: {} } },
    { what: "an input of another type", body: { workflow_name: "write", inputs: { topic: { a: CANARY } } } },
  ].map((one) => ({ ...one, status: 422, name: "input_invalid", pointers: ["/inputs/topic"] })),
  ...[
    { what: "an empty webhook_id", id: "" },
    { what: "a webhook_id of 256 characters", id: `${CANARY}${"a".repeat(250)}` },
    { what: "a webhook_id of 256 emoji", id: "😀".repeat(256) },
    { what: "a webhook_id that is a number", id: 7 },
    { what: "a webhook_id that is false", id: false },
    { what: "a webhook_id that is a list", id: [CANARY] },
    { what: "a webhook_id with a line break", id: `${CANARY}\n` },
    { what: "a webhook_id with a NUL", id: `\u0000${CANARY}` },
    { what: "a webhook_id with DEL", id: `${CANARY}\u007f` },
    { what: "a webhook_id with a C1 control character", id: `${CANARY}\u0085` },
    { what: "a webhook_id with half a surrogate pair", id: `${CANARY}\ud800` },
  ].map(({ what, id }) => ({
    what,
    body: { ...BODY, webhook_id: id },
    status: 422,
    name: "fields_invalid",
    pointers: ["/webhook_id"],
  })),
  {
    what: "three wrong fields",
    body: { workflow_name: 1, inputs: CANARY, webhook_id: 1 },
    status: 422,
    name: "fields_invalid",
    pointers: ["/workflow_name", "/inputs", "/webhook_id"],
  },
  ...[
    { what: "a list", body: `["${CANARY}"]` },
    { what: "null", body: "null" },
    { what: "a text", body: `"${CANARY}"` },
    { what: "a number", body: "1" },
  ].map((one) => ({ ...one, status: 422, name: "fields_invalid", pointers: [""] })),
  ...[
    { what: "an empty body", body: "" },
    { what: "white space", body: " \n" },
    { what: "truncated JSON", body: JSON.stringify({ ...BODY, webhook_id: CANARY }).slice(0, -1) },
    { what: "two values", body: "{}{}" },
    { what: "a form", body: `workflow_name=${CANARY}` },
    { what: "NaN", body: '{"workflow_name":"any","inputs":{"a":NaN}}' },
    { what: "a comment", body: `{"workflow_name":"any","inputs":{}}//${CANARY}` },
    { what: "a byte order mark", body: `\ufeff${JSON.stringify(BODY)}` },
    { what: "invalid UTF-8", body: Uint8Array.of(0x22, 0xff, 0x22) },
    { what: "half a UTF-8 character", body: Uint8Array.of(0x22, 0xe2, 0x82, 0x22) },
    { what: "UTF-16", body: new Uint8Array(Buffer.from(JSON.stringify(BODY), "utf16le")) },
  ].map((one) => ({ ...one, status: 400, name: "json_invalid" })),
  { what: "201 levels", body: nested(201), status: 400, name: "json_too_deep" },
  { what: "100000 levels", body: "[".repeat(100_000), status: 400, name: "json_too_deep" },
  { what: "2 MiB", body: " ".repeat(2 * 1_048_576), status: 413, name: "body_too_large" },
  { what: "one byte more than 1 MiB", body: " ".repeat(1_048_577), status: 413, name: "body_too_large" },
];
for (const { what, body, status, name, pointers = [] } of bad) {
  test(`a body with ${what} gets ${status} ${name} and leaves no row`, async ({ server }) => {
    const answer = await server.askBoth(delivery(body));
    assert.is(answer.status, status);
    const problem = problemOf(answer);
    assert.is(problem.name, name);
    assert.equal(
      problem.errors.map(({ pointer }) => pointer),
      pointers,
    );
    assert.not.match(answer.text, CANARY);
    assert.not.match(JSON.stringify(server.lines), CANARY);
    assert.equal(await server.count(), { events: 0, runs: 0 });
  });
}

test("a flood of forgeries is answered one by one and logged for a part, without a stack", async ({
  server,
}) => {
  const forged = delivery({ workflow_name: "echo", inputs: {} }, { secret: "another" });
  for (let count = 0; count < 250; count++) assert.is((await server.ask("fetch", forged)).status, 401);
  const refused = server.lines.filter((line) => line.message === "request refused");
  assert.ok(refused.length >= 100 && refused.length < 250, String(refused.length));
  assert.not.match(String(new InvalidSignatureError("mismatch").stack), /\n/);
  assert.match(String(new WebhookError("internal", "x").stack), /webhooks\.test/);
});

const good: readonly [what: string, body: unknown][] = [
  ["200 levels", nested(200)],
  ["exactly 1 MiB", `${JSON.stringify(BODY)}${" ".repeat(1_048_576 - JSON.stringify(BODY).length)}`],
  ["a webhook_id of 255 characters", { ...BODY, webhook_id: "é".repeat(255) }],
  ["a webhook_id of 255 emoji", { ...BODY, webhook_id: "😀".repeat(255) }],
  ["a webhook_id that is null", { ...BODY, webhook_id: null }],
  ["fields that nobody knows", { ...BODY, more: true }],
  ["a key __proto__", '{"workflow_name":"any","inputs":{"__proto__":{"a":1}}}'],
];
for (const [what, body] of good) {
  test(`a body with ${what} is accepted`, async ({ server }) => {
    const answer = await server.ask("http", delivery(body));
    assert.is(answer.status, 202, answer.text);
    const copy = await server.ask("fetch", delivery(body));
    const isKnown = answer.json.webhook_id !== null;
    assert.is(copy.status, isKnown ? 200 : 202);
  });
}

test("at most 50 faults are listed, and a long key is cut", async () => {
  const issues = Array.from({ length: 60 }, (_, at) => ({
    message: "is wrong",
    path: [`k${at}`.repeat(1_000)],
  }));
  const input = { "~standard": { version: 1, vendor: "test", validate: () => ({ issues }) } } as const;
  const server = await openServer({ workflows: { picky: defineWorkflow({ input, run: () => null }) } });
  try {
    const answer = await server.askBoth(delivery({ workflow_name: "picky", inputs: {} }));
    assert.is(answer.status, 422);
    const { errors } = problemOf(answer);
    assert.is(errors.length, 50);
    assert.ok(errors.every(({ pointer }) => pointer.length <= 1_100));
  } finally {
    await server.close();
  }
});

test("a schema that throws is a fault of the inputs and says nothing of what it threw", async () => {
  const validate = (): never => {
    throw new Error(CANARY);
  };
  const input = { "~standard": { version: 1, vendor: "test", validate } } as const;
  const server = await openServer({ workflows: { picky: defineWorkflow({ input, run: () => null }) } });
  try {
    const answer = await server.askBoth(delivery({ workflow_name: "picky", inputs: {} }));
    assert.is(answer.status, 422);
    assert.equal(
      problemOf(answer).errors.map(({ pointer }) => pointer),
      ["/inputs"],
    );
    assert.not.match(answer.text, CANARY);
  } finally {
    await server.close();
  }
});

const types: readonly [headers: Readonly<Record<string, string>>, status: number, name?: string][] = [
  [{ "content-type": "application/json" }, 202],
  [{ "content-type": "Application/JSON" }, 202],
  [{ "content-type": "application/json; charset=utf-8" }, 202],
  [{ "content-type": 'application/json;charset="UTF-8"' }, 202],
  [{ "content-type": "application/json", "content-encoding": "identity" }, 202],
  [{ "content-type": "application/json; charset=utf-16" }, 415, "content_type"],
  [{ "content-type": "application/json; charset=iso-8859-1" }, 415, "content_type"],
  [{ "content-type": "application/json; charset=utf-8; charset=utf-16" }, 415, "content_type"],
  [{ "content-type": "application/json, text/plain" }, 415, "content_type"],
  [{ "content-type": "application/json; a=b, text/plain" }, 415, "content_type"],
  [{ "content-type": "text/plain" }, 415, "content_type"],
  [{ "content-type": "application/x-www-form-urlencoded" }, 415, "content_type"],
  [{ "content-type": "application/jsonp" }, 415, "content_type"],
  [{ "content-type": "" }, 415, "content_type"],
  [{}, 415, "content_type"],
  [{ "content-type": "application/json", "content-encoding": "gzip" }, 415, "content_encoding"],
  [{ "content-type": "application/json", "content-encoding": "identity, gzip" }, 415, "content_encoding"],
  [{ "content-type": "application/json", "content-encoding": "" }, 415, "content_encoding"],
];
for (const [headers, status, name] of types) {
  test(`${JSON.stringify(headers)} gives ${status}`, async ({ server }) => {
    const { headers: own, ...asked } = delivery(BODY);
    const answer = await server.askBoth({
      ...asked,
      headers: { "x-signature": own["x-signature"] ?? "", ...headers },
    });
    assert.is(answer.status, status);
    if (name === undefined) return;
    assert.is(problemOf(answer).name, name);
    assert.equal(await server.count(), { events: 0, runs: 0 });
  });
}

for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
  test(`${method} on a webhook's route gets 405 and is told POST`, async ({ server }) => {
    const answer = await server.askBoth({ method, path: "/webhooks/generic" });
    assert.is(answer.status, 405);
    assert.is(answer.headers.get("allow"), "POST");
    if (method === "HEAD") assert.is(answer.text, "");
    else assert.is(problemOf(answer).name, "method_not_allowed");
  });
}

const nowhere = [
  "/",
  "/webhooks",
  "/webhooks/",
  "/webhooks/generic/",
  "/webhooks/generic/x",
  "/webhooks/unknown",
  "/webhooks/Generic",
  "/webhooks/default",
  "/webhooks/__proto__",
  "/webhooks/constructor",
  "/webhooks/gener%69c",
  "//webhooks/generic",
  "/webhooks//generic",
  "/webhooks/generic%2f",
  "/favicon.ico",
  "/runs/",
  "/runs/run%5Fa",
  "/events/evt_a%2Freplay",
  "/events//replay",
];
for (const path of nowhere) {
  test(`${path} is nowhere, signed or not`, async ({ server }) => {
    for (const asked of [delivery(BODY, { path }), { path }]) {
      const answers = [];
      for (const door of DOORS) {
        // Some clients send `//webhooks` as `/webhooks`, so it goes over a socket as it stands.
        const isRaw = door === "http" && path.startsWith("//");
        answers.push(isRaw ? await server.raw(rawDelivery(server, path)) : await server.ask(door, asked));
      }
      for (const answer of answers) {
        assert.is(answer.status, 404);
        assert.match(problemOf(answer).name, /^(?:not_found|provider_unknown)$/);
        assert.not.match(answer.text, "%");
      }
    }
    assert.equal(await server.count(), { events: 0, runs: 0 });
  });
}

const targets: readonly [target: string, status: number][] = [
  ["/webhooks/generic", 202],
  ["/webhooks/generic?token=a", 202],
  ["http://HOST/webhooks/generic", 202],
  ["http://other.example/webhooks/generic", 404],
  ["http://HOST@other.example/webhooks/generic", 404],
  ["//HOST/webhooks/generic", 404],
  ["/webhooks/generic/..", 404],
  ["/webhooks/../webhooks/generic", 404],
  ["/./webhooks/generic", 404],
  ["/webhooks/generic/.", 404],
  ["/webhooks/x/%2e%2e/generic", 404],
  ["/%2e/webhooks/generic", 404],
  ["/webhooks\\generic", 404],
  ["/webhooks/generic#x", 404],
  // Bun's parser refuses it before we see it.
  ["*", process.versions.bun === undefined ? 404 : 400],
];
for (const [target, status] of targets) {
  test(`the raw target ${target} gives ${status}`, async ({ server }) => {
    const answer = await server.raw(rawDelivery(server, target.replace("HOST", `127.0.0.1:${server.port}`)));
    assert.is(answer.status, status);
    if (status === 404) assert.match(problemOf(answer).name, /^(?:not_found|provider_unknown)$/);
    assert.equal(await server.count(), status === 202 ? { events: 1, runs: 1 } : { events: 0, runs: 0 });
  });
}

const doubled: readonly [header: string, status: number][] = [
  ["Host: evil.example", 400],
  ["Content-Type: application/json", 400],
  ["Content-Length: 1", 400],
  ["Authorization: Bearer b\r\nAuthorization: Bearer c", 400],
  ["Idempotency-Key: b\r\nIdempotency-Key: c", 400],
  [`X-Signature: ${hex}`, 401],
];
for (const [header, status] of doubled) {
  test(`a second ${header.split(":")[0]} gets ${status} and leaves no row`, async ({ server }) => {
    const answer = await server.raw(rawDelivery(server, "/webhooks/generic", `${header}\r\n`));
    assert.is(answer.status, status);
    assert.match(
      problemOf(answer).name,
      status === 400 ? /^(?:header_repeated|request_malformed)$/ : "signature_invalid",
    );
    assert.equal(await server.count(), { events: 0, runs: 0 });
  });
}

test("an answer that is sent before the body's end closes the connection", async ({ server }) => {
  const head = `POST /webhooks/generic HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n`;
  const answer = await server.raw(
    `${head}Content-Type: application/json\r\nContent-Length: 2000000\r\n\r\n{`,
  );
  assert.is(answer.status, 413);
  assert.is(answer.headers.get("connection"), "close");
  assert.is(problemOf(answer).name, "body_too_large");
});

test("the run of a delivery gets the inputs and ends by itself", async ({ server }) => {
  const answer = await server.ask("http", delivery({ workflow_name: "write", inputs: { topic: "AI" } }));
  const run = await server.reaches(String(answer.json.run_id), "succeeded");
  assert.equal([run.inputs, run.result], [{ topic: "AI" }, { text: "About AI" }]);
});

test("an event that was accepted is a duplicate though its workflow is gone or refuses it now", async () => {
  const old = await openServer();
  const asked = delivery({ workflow_name: "any", inputs: {}, webhook_id: "a" });
  const first = await old.ask("http", asked);
  const issues = [{ message: "no" }];
  const strict = { "~standard": { version: 1, vendor: "test", validate: () => ({ issues }) } } as const;
  const registries = [{}, { any: defineWorkflow({ input: strict, run: () => null }) }];
  try {
    for (const workflows of registries) {
      const now = await openServer({ storage: old.storage, workflows });
      const second = await now.askBoth(asked);
      assert.equal(
        [second.status, second.json.status, second.json.run_id],
        [200, "duplicate", first.json.run_id],
      );
      assert.equal(shapeOf(second.json), shapeOf(first.json));
      const other = await now.askBoth(delivery({ workflow_name: "any", inputs: {}, webhook_id: "b" }));
      assert.is(other.status, "any" in workflows ? 422 : 404);
      await now.close();
    }
  } finally {
    await old.close();
  }
});

test.run();

/** A signed delivery as text, with more headers where a test wants them. */
function rawDelivery(server: TestServer, target: string, more = ""): string {
  const body = JSON.stringify(BODY);
  const head = [
    `POST ${target} HTTP/1.1`,
    `Host: 127.0.0.1:${server.port}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    `X-Signature: ${hex}`,
    "Connection: close",
  ];
  return `${head.join("\r\n")}\r\n${more}\r\n${body}`;
}
