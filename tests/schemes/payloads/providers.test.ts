import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../../lib/define-workflow.ts";
import { toHex } from "../../../lib/event.ts";
import type { Scheme } from "../../../lib/scheme.ts";
import { builtInScheme, builtInSchemeNames } from "../../../lib/schemes/mod.ts";
import { sha256 } from "../../../lib/sha256.ts";
import { readPath } from "../../../lib/verify/read.ts";
import { type Sent, signDelivery } from "../../../lib/verify/sign.ts";
import { type Keys, keysFor } from "../../support/keys.ts";
import { type Answer, type Json, openServer, type TestServer } from "../../support/open-server.ts";
import { headerType, type Payload, payloadNames, payloadsOf, signedUrl } from "../../support/payloads.ts";
import { WISHES, type Wish } from "./wishes.ts";

/** What a run was given. */
interface Given {
  type: string | null;
  webhookId: string | null;
  body: unknown;
  input: unknown;
}

const given: Given[] = [];
const collect = defineWorkflow({
  on: Object.keys(WISHES).map((provider) => ({ provider })),
  run: ({ event, input }) => {
    given.push({ type: event.type, webhookId: event.webhookId, body: event.body, input });
    return { seen: event.type };
  },
});

const KEYS: ReadonlyMap<string, Keys> = new Map(
  Object.keys(WISHES).map((name) =>
    name === "gitlab-signed"
      ? [name, keysFor(schemeOf("standard-webhooks"), name)]
      : [name, keysFor(schemeOf(name), name)],
  ),
);

const test = suite<{ server: TestServer }>("schemes/payloads/providers");

// One server for all of them, as people have it.
test.before(async (context) => {
  context.server = await openServer({
    workflows: { collect },
    publicUrl: "https://hooks.example.org",
    schemes: { "gitlab-signed": "gitlab" },
    secrets: Object.fromEntries(Array.from(KEYS, ([name, { verifying }]) => [name, verifying])),
  });
});
test.before.each(() => {
  given.length = 0;
});
test.after(({ server }) => server?.close()); // not there where it could not be opened

test("every built-in scheme has a payload, and what its provider wishes", () => {
  const names = builtInSchemeNames();
  assert.equal(payloadNames(), [...names].sort());
  assert.equal(
    Object.keys(WISHES).sort(),
    [...names, "gitlab-signed"].filter((one) => one !== "generic").sort(),
  );
});

for (const [name, wish] of Object.entries(WISHES)) {
  const file = name === "gitlab-signed" ? "gitlab" : name;
  for (const payload of payloadsOf(file)) {
    test(`${name}: ${payload.type} is delivered, runs once and is answered with ${wish.status}`, async ({
      server,
    }) => {
      const id = `${name}-${payload.type.replace(/[^\w-]/g, "-")}`;
      const value = payload.value();
      const before = await server.count();
      const first = sign(name, payload, value, id, -30_000);
      const answer = await deliver(server, name, first);
      checkAnswer(answer, wish, "accepted");

      const event = await newestEvent(server, name);
      const webhookId = idOf(wish, value, id, first);
      assert.equal([event.type, event.webhook_id], [payload.type, webhookId]);
      assert.is(event.id_source, webhookId === null ? null : "scheme");
      const body = parsed(payload, first);
      assert.equal(given, [{ type: payload.type, webhookId, body, input: body }]);

      wish.retry?.(value as never);
      const second = sign(name, payload, value, id, 0);
      const again = await deliver(server, name, second, wish.retryHeaders);
      const isKnown = wish.id !== "none";
      checkAnswer(again, wish, isKnown ? "duplicate" : "accepted");
      const after = await server.count();
      assert.is(after.events - before.events, isKnown ? 1 : 2);
      assert.is(after.runs - before.runs, isKnown ? 1 : 2);
      if (isKnown && wish.isEmpty === undefined) assert.is(again.json.event_id, event.event_id);
      await newestEvent(server, name);
      assert.is(given.length, isKnown ? 1 : 2);
    });
  }
}

test.run();

function schemeOf(name: string): Scheme {
  const scheme = builtInScheme(name === "gitlab-signed" ? "gitlab" : name);
  if (scheme === undefined) throw new Error(`Cannot find scheme ${name}`);
  return scheme;
}

function sign(name: string, payload: Payload, value: unknown, id: string, offMs: number): Sent {
  const scheme = schemeOf(name);
  const { headers, body } = signDelivery(scheme, KEYS.get(name)?.signing ?? "", {
    method: "POST",
    url: signedUrl(name),
    body: payload.encode(value),
    contentType: payload.contentType,
    at: Date.now() + offMs,
    id,
    type: null,
  });
  // By its name in the documents, and not as the record calls it.
  const { typeHeader } = WISHES[name] ?? {};
  if (typeHeader === undefined) return { headers, body };
  return { headers: { ...headers, [typeHeader]: headerType(scheme.type, payload.type) }, body };
}

function deliver(
  server: TestServer,
  name: string,
  sent: Sent,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const { pathname, search } = new URL(signedUrl(name));
  const body = new Uint8Array(sent.body);
  return server.ask("http", {
    method: "POST",
    path: pathname + search,
    headers: { ...sent.headers, ...headers },
    body,
  });
}

function checkAnswer(answer: Answer, wish: Wish, status: "accepted" | "duplicate"): void {
  assert.is(answer.status, wish.status, answer.text);
  if (wish.isEmpty) {
    assert.equal([answer.text, answer.headers.has("content-type")], ["", false]);
  } else {
    assert.equal([answer.json.status, answer.headers.get("content-type")], [status, "application/json"]);
  }
  assert.not.ok(answer.headers.has("set-cookie"));
}

/** The provider's last event, once its run has succeeded. */
async function newestEvent(server: TestServer, provider: string): Promise<Json> {
  const { json } = await server.admin("GET", `/events?provider=${provider}&limit=1`);
  const [{ event_id: id }] = json.items as [Json];
  const event = (await server.admin("GET", `/events/${id}`)).json;
  const [run] = event.runs as [Json];
  await server.reaches(String(run.run_id), "succeeded");
  return event;
}

/** The webhook_id that the delivery should get. */
function idOf(wish: Wish, value: unknown, id: string, { headers, body }: Sent): string | null {
  if (wish.id === "none") return null;
  const hash = `sha256:${toHex(sha256(body))}`;
  if (wish.id === "hash") return hash;
  if (typeof wish.id === "function") {
    const text = wish.id(value as never);
    return text === "hash" ? hash : text;
  }
  if ("body" in wish.id) return readPath(value, wish.id.body);
  assert.is(headers[wish.id.header], id);
  return id;
}

/** What was sent, with what signing has put into it; without what is not to be stored. */
function parsed(payload: Payload, { body }: Sent): unknown {
  const value = payload.contentType.includes("json")
    ? (JSON.parse(new TextDecoder().decode(body)) as unknown)
    : payload.value();
  if (payload.provider === "gitea" || payload.provider === "gogs")
    Reflect.deleteProperty(Object(value), "secret");
  return value;
}
