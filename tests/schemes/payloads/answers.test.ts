import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../../lib/define-workflow.ts";
import { DOORS, type Json, openServer, type TestServer } from "../../support/open-server.ts";
import { problemOf } from "../../support/problem-of.ts";
import { postSigned, secretsOf } from "./post-signed.ts";

const PROVIDERS = ["xero", "github", "gitea", "linear", "stripe", "calendly", "shopify", "twilio"] as const;

const given: unknown[] = [];
const collect = defineWorkflow({
  on: PROVIDERS.map((provider) => ({ provider })),
  run: ({ event }) => void given.push(event.body),
});

const test = suite<{ server: TestServer }>("schemes/payloads/answers");
test.before.each(async (context) => {
  given.length = 0;
  context.server = await openServer({
    workflows: { collect },
    publicUrl: "https://hooks.example.org",
    secrets: secretsOf(PROVIDERS),
  });
});
test.after.each(({ server }) => server.close());

test("Xero's refusal has no body, whatever is wrong with the signature, and its log line says what", async ({
  server,
}) => {
  const body = '{"events":[],"firstEventSequence":0,"lastEventSequence":0}';
  for (const door of DOORS) {
    for (const [signature, reason] of [
      [Buffer.alloc(32).toString("base64"), "mismatch"],
      ["nonsense", "malformed"],
    ] as const) {
      const answer = await postSigned(server, "xero", {
        body,
        door,
        headers: { "x-xero-signature": signature },
      });
      assert.equal([answer.status, answer.text], [401, ""]);
      assert.is(answer.headers.get("www-authenticate"), 'Signature realm="webhooks"');
      assert.is(answer.headers.get("cache-control"), "no-store");
      for (const name of ["content-type", "set-cookie"]) assert.not.ok(answer.headers.has(name), name);
      assert.is(server.lines.filter(({ level }) => level === "warn").at(-1)?.fields.reason, reason);
    }
  }
  const ours = await postSigned(server, "github", { body, headers: { "x-hub-signature-256": "sha256=00" } });
  assert.is(problemOf(ours).name, "signature_invalid");
  const type = await postSigned(server, "xero", { body, headers: { "content-type": "text/plain" } });
  assert.is(problemOf(type).name, "content_type");
});

test("without a secret Xero's refusal is the same", async ({ server }) => {
  const other = await openServer({ secrets: { stripe: "another" } });
  try {
    const body = '{"events":[]}';
    const [known, unknown] = [
      await postSigned(server, "xero", { body, headers: { "x-xero-signature": "" } }),
      await postSigned(other, "xero", { body }),
    ];
    for (const answer of [known, unknown]) assert.equal([answer.status, answer.text], [401, ""]);
    assert.equal([...known.headers.keys()], [...unknown.headers.keys()]);
  } finally {
    await other.close();
  }
});

test("GitHub's 25 MiB are taken, and one byte more is refused", async ({ server }) => {
  const max = 26_214_400;
  const body = (bytes: number): Uint8Array => {
    const filled = Buffer.alloc(bytes, 0x20);
    filled.write('{"action":"completed"');
    filled.write("}", bytes - 1);
    return filled;
  };
  const taken = await postSigned(server, "github", { body: body(max), type: "check_run" });
  assert.is(taken.status, 202);
  await server.reaches(String(taken.json.run_id), "succeeded");
  const refused = await postSigned(server, "github", { body: body(max + 1) });
  assert.is(problemOf(refused).name, "body_too_large");
  const other = await postSigned(server, "stripe", { body: body(1_048_577) });
  assert.is(problemOf(other).name, "body_too_large");
});

test("a secret in Gitea's body is neither stored nor shown, and the delivery is known again all the same", async ({
  server,
}) => {
  const body = '{"secret":"c4n4ry","ref":"refs/heads/main","nested":{"secret":"kept"}}';
  const first = await postSigned(server, "gitea", { body, type: "push" });
  assert.is(first.status, 202);
  await server.reaches(String(first.json.run_id), "succeeded");
  const event = await server.admin("GET", `/events/${first.json.event_id}`);
  const stored = { ref: "refs/heads/main", nested: { secret: "kept" } };
  assert.equal([event.json.body, given], [stored, [stored]]);
  assert.not.match(event.text, "c4n4ry");
  assert.not.match((await server.admin("GET", `/runs/${first.json.run_id}`)).text, "c4n4ry");

  const again = await postSigned(server, "gitea", { body, type: "push" });
  assert.equal([again.json.status, again.json.event_id], ["duplicate", first.json.event_id]);
  const replay = await server.admin("POST", `/events/${first.json.event_id}/replay`, {});
  assert.is(replay.status, 202, replay.text);
  await server.reaches(String((replay.json.runs as Json[])[0]?.run_id), "succeeded");
  assert.equal(given, [stored, stored]);
});

test("Linear's retry is a copy although its time is another, and another delivery of it is none", async ({
  server,
}) => {
  const body = '{"action":"update","type":"Issue","data":{"id":"i"}}';
  const answers = [];
  for (const id of ["a", "a", "b"]) {
    await new Promise((resolve) => setTimeout(resolve, 2)); // its time has milliseconds
    answers.push(await postSigned(server, "linear", { body, id }));
  }
  assert.equal(
    answers.map(({ status, json }) => [status, json.status]),
    [
      [200, "accepted"],
      [200, "duplicate"],
      [200, "accepted"],
    ],
  );
});

test("what Calendly updates twice are two events", async ({ server }) => {
  for (const name of ["Fitting", "Hat fitting", "Hat fitting"]) {
    const payload = { uri: "https://api.calendly.com/event_types/D", name };
    await postSigned(server, "calendly", { body: JSON.stringify({ event: "event_type.updated", payload }) });
  }
  assert.equal(await server.count(), { events: 2, runs: 2 });
});

test("without Twilio's token a call's states are told apart, and its recordings are not taken for copies", async ({
  server,
}) => {
  const post = (fields: Record<string, string>) =>
    postSigned(server, "twilio", {
      body: String(new URLSearchParams({ CallSid: "CA1", ...fields })),
      contentType: "application/x-www-form-urlencoded",
      id: "", // an empty header is none
    });
  for (const CallStatus of ["ringing", "completed", "ringing"]) await post({ CallStatus });
  assert.equal(await server.count(), { events: 2, runs: 2 });
  for (const RecordingSid of ["RE1", "RE2"]) await post({ RecordingSid });
  assert.equal(await server.count(), { events: 4, runs: 4 });
});

test("a signature header of a mebibyte is refused through either door", async ({ server }) => {
  const huge = `t=${Math.floor(Date.now() / 1_000)}${",v1=00".repeat(170_000)}`;
  const answer = await postSigned(server, "stripe", {
    body: "{}",
    door: "fetch",
    headers: { "stripe-signature": huge },
  });
  assert.is(answer.status, 401);
  const raw = await server.raw(
    `POST /webhooks/stripe HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nStripe-Signature: ${huge}\r\n\r\n`,
  );
  assert.is(raw.status, 431);
  assert.is((await postSigned(server, "stripe", { body: '{"id":"evt_1"}' })).status, 202);
});

test.run();
