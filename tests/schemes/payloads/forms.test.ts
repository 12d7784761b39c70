import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../../lib/define-workflow.ts";
import { type Answer, type Json, openServer, type TestServer } from "../../support/open-server.ts";
import { FORM } from "../../support/payloads.ts";
import { problemOf } from "../../support/problem-of.ts";
import { type Post, postSigned, secretsOf } from "./post-signed.ts";

const PROVIDERS = ["github", "slack", "twilio", "gitea", "mailgun", "shopify"] as const;

const given: unknown[] = [];
const collect = defineWorkflow({
  on: PROVIDERS.map((provider) => ({ provider })),
  run: ({ event }) => void given.push(event.body),
});

const test = suite<{ server: TestServer }>("schemes/payloads/forms");
test.before.each(async (context) => {
  given.length = 0;
  context.server = await openServer({
    workflows: { collect },
    publicUrl: "https://hooks.example.org",
    secrets: secretsOf(PROVIDERS),
  });
});
test.after.each(({ server }) => server.close());

test("GitHub's form is the same event to a workflow as its JSON", async ({ server }) => {
  const value = { action: "opened", number: 2, title: "50% + a bit & ünïcode 💛" };
  await accepted(server, "github", { body: JSON.stringify(value), type: "pull_request", id: "a" });
  const fields = String(new URLSearchParams({ payload: JSON.stringify(value) }));
  await accepted(server, "github", { body: fields, contentType: FORM, type: "pull_request", id: "b" });
  assert.equal(given, [value, value]);
  const { json } = await server.admin("GET", "/events?provider=github");
  assert.equal(
    (json.items as Json[]).map(({ type }) => type),
    ["pull_request.opened", "pull_request.opened"],
  );
});

test("a form that is more than a payload, or none with JSON in it, is its fields", async ({ server }) => {
  const forms: [text: string, value: unknown][] = [
    ["payload=%7B%22a%22%3A1%7D&more=1", { payload: '{"a":1}', more: "1" }],
    ["payload=%7B%22a%22%3A1%7D&payload=%7B%7D", { payload: ['{"a":1}', "{}"] }],
    ["payload=%7Boops", { payload: "{oops" }],
    ["payload=7", { payload: "7" }],
    ["payload=", { payload: "" }],
    [`payload=${"%5B".repeat(300)}${"%5D".repeat(300)}`, { payload: "[".repeat(300) + "]".repeat(300) }],
    ["=", { "": "" }],
    ["", {}],
    ["a=1&a=2&a=3&b", { a: ["1", "2", "3"], b: "" }],
  ];
  for (const [at, [body, value]] of forms.entries()) {
    given.length = 0;
    await accepted(server, "github", { body, contentType: FORM, id: String(at) });
    assert.equal(given, [value], body);
  }
});

test("fields called as parts of objects are fields like others, and change no object", async ({ server }) => {
  const names = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "__defineGetter__"];
  const body = String(new URLSearchParams(names.map((name) => [name, "x"])));
  await accepted(server, "twilio", { body, contentType: FORM });
  assert.equal(Object.keys(given[0] as object).sort(), [...names].sort());
  await accepted(server, "twilio", { body: "__proto__=a&__proto__=b", contentType: FORM, id: "2" });
  assert.equal(Object.getOwnPropertyDescriptor(given[1], "__proto__")?.value, ["a", "b"]);
  await accepted(server, "slack", {
    body: `payload=${encodeURIComponent('{"__proto__":{"isAdmin":true},"trigger_id":"1"}')}`,
    contentType: FORM,
  });
  assert.is(Reflect.get({}, "isAdmin"), undefined);
  assert.is(Reflect.get(given[2] as object, "isAdmin"), undefined);
});

test("2,000 fields are taken, and one more is refused", async ({ server }) => {
  const fields = (count: number): string => Array.from({ length: count }, (_, at) => `a${at}=1`).join("&");
  await accepted(server, "github", { body: fields(2_000), contentType: FORM });
  const answer = await postSigned(server, "github", { body: fields(2_001), contentType: FORM });
  assert.is(answer.status, 400);
  assert.is(problemOf(answer).name, "form_invalid");
  assert.equal(await server.count(), { events: 1, runs: 1 });
});

test("a form of nothing but ends of fields takes a stranger no time of ours", async ({ server }) => {
  const startedAt = performance.now();
  for (const body of [
    "&".repeat(1_000_000),
    "&a".repeat(500_000),
    "a=%".repeat(300_000),
    "a&".repeat(1_999),
  ]) {
    const headers = { "x-twilio-signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" };
    const answer = await postSigned(server, "twilio", { body: "A=1", contentType: FORM, headers });
    assert.is(answer.status, 401);
    const path = "/webhooks/twilio?shop=1";
    const asked = { method: "POST", path, headers: { "content-type": FORM, ...headers }, body };
    assert.is((await server.ask("http", asked)).status, 401);
  }
  assert.ok(performance.now() - startedAt < 2_000);
});

test("a form in another charset than UTF-8, or at a provider that sends none, is refused unread", async ({
  server,
}) => {
  for (const contentType of [`${FORM};charset=UTF-8`, `${FORM}; charset="utf-8"`, FORM.toUpperCase()])
    await accepted(server, "github", { body: "a=1", contentType });
  for (const [provider, contentType] of [
    ["github", `${FORM};charset=iso-8859-1`],
    ["github", `${FORM};charset=utf-8;charset=utf-16`],
    ["github", "multipart/form-data; boundary=x"],
    ["github", "text/plain"],
    ["gitea", FORM], // it signs the text inside
    ["mailgun", FORM],
    ["mailgun", "multipart/form-data; boundary=x"],
    ["shopify", FORM],
  ] as const) {
    const headers = { "content-type": contentType };
    const answer = await postSigned(server, provider, { body: "{}", headers });
    assert.is(answer.status, 415, `${provider} ${contentType}`);
  }
});

test("bytes that are no UTF-8 are refused in a form, and their escapes read as replaced", async ({
  server,
}) => {
  const body = Buffer.from([0x61, 0x3d, 0xff]);
  const answer = await postSigned(server, "github", { body, contentType: FORM });
  assert.is(problemOf(answer).name, "form_invalid");
  await accepted(server, "github", { body: "a=%FF", contentType: FORM });
  assert.equal(given, [{ a: "\uFFFD" }]);
});

test("a command's trigger and an interaction's are ids, so that Slack's repetition runs nothing again", async ({
  server,
}) => {
  const command = "command=%2Fdeploy&text=web&trigger_id=1.2.a";
  const payload = `payload=${encodeURIComponent('{"type":"block_actions","trigger_id":"1.2.b"}')}`;
  for (const body of [command, payload, command, payload]) {
    const answer = await postSigned(server, "slack", { body, contentType: FORM });
    assert.equal([answer.status, answer.text], [200, ""]);
  }
  assert.equal(await server.count(), { events: 2, runs: 2 });
  const items = (await server.admin("GET", "/events?provider=slack")).json.items as Json[];
  assert.equal(
    items.map(({ type, webhook_id: id }) => [type, id]),
    [
      ["block_actions", "1.2.b"],
      ["/deploy", "1.2.a"],
    ],
  );
});

test.run();

async function accepted(server: TestServer, provider: string, post: Post): Promise<Answer> {
  const before = (await server.count()).runs;
  const answer = await postSigned(server, provider, post);
  assert.ok(answer.status < 300, `${answer.status} ${answer.text}`);
  if ((await server.count()).runs > before) {
    const { json } = await server.admin("GET", "/runs?limit=1");
    await server.reaches(String((json.items as [Json])[0].run_id), "succeeded");
  }
  return answer;
}
