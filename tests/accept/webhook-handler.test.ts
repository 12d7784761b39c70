import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebhookHandler, type WebhookHandlerOptions } from "../../lib/accept/webhook-handler.ts";
import { InvalidSignatureError, ReplayAttackError, WebhookError } from "../../lib/errors.ts";
import type { Storage, WebhookEventRepository } from "../../lib/repositories.ts";
import type { Algorithm } from "../../lib/scheme.ts";
import { createStorageBackend } from "../../lib/storage/backend.ts";
import { rejects } from "../support/rejects.ts";
import { signature } from "../support/sign.ts";

/** The real repository on a database in memory, and every command that it was given. */
class RecordingRepository implements WebhookEventRepository {
  readonly commands: string[] = [];
  readonly storage: Storage;

  constructor(storage: Storage) {
    this.storage = storage;
  }

  static async open(): Promise<RecordingRepository> {
    return new RecordingRepository(await createStorageBackend(":memory:"));
  }

  isProcessed(webhookId: string, provider?: string): Promise<boolean> {
    this.commands.push("isProcessed");
    return this.storage.webhookEvents.isProcessed(webhookId, provider);
  }

  markProcessed(webhookId: string, provider = "generic"): Promise<boolean> {
    this.commands.push(`mark ${provider}:${webhookId}`);
    return this.storage.webhookEvents.markProcessed(webhookId, provider);
  }

  unmarkProcessed(webhookId: string, provider = "generic"): Promise<void> {
    this.commands.push(`unmark ${provider}:${webhookId}`);
    return this.storage.webhookEvents.unmarkProcessed(webhookId, provider);
  }

  cleanupOldEvents(days?: number): Promise<number> {
    return this.storage.webhookEvents.cleanupOldEvents(days);
  }
}

const test = suite<{ repo: RecordingRepository }>("accept/webhook-handler");
test.before.each(async (t) => {
  t.repo = await RecordingRepository.open();
});
test.after.each((t) => t.repo.storage.close());

const SECRET = "s3cret";

function post(body: string, headers: Record<string, string> = {}): Request {
  return new Request("http://localhost/", { method: "POST", body, headers });
}

function signed(body: string, headers: Record<string, string> = {}, secret = SECRET): Request {
  return post(body, { "x-signature": `sha256=${signature(body, secret)}`, ...headers });
}

function isCode(code: string): (error: Error) => boolean {
  return (error) => error instanceof WebhookError && error.code === code;
}

test("a signed delivery reaches the function once, with its parsed body", async ({ repo }) => {
  const handler = new WebhookHandler(SECRET);
  const payloads: unknown[] = [];
  const call = () =>
    handler.handleWebhook(signed('{"webhook_id":"a","n":1}'), (payload) => payloads.push(payload), repo);
  assert.is(await call(), 1);
  await rejects(call(), (error) => {
    assert.ok(error instanceof ReplayAttackError);
    assert.equal([error.webhookId, error.provider], ["a", "generic"]);
  });
  assert.equal(payloads, [{ webhook_id: "a", n: 1 }]);
  assert.equal(repo.commands, ["mark generic:a", "mark generic:a"]);
});

test("the id is taken before the function is called", async ({ repo }) => {
  await new WebhookHandler(SECRET).handleWebhook(
    signed('{"webhook_id":"a"}'),
    () => repo.commands.push("call"),
    repo,
  );
  assert.equal(repo.commands, ["mark generic:a", "call"]);
});

test("of 50 copies at once one is called, and the others are replays", async ({ repo }) => {
  const handler = new WebhookHandler(SECRET);
  let calls = 0;
  const slow = async () => {
    calls++;
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const outcomes = await Promise.allSettled(
    Array.from({ length: 50 }, () => handler.handleWebhook(signed('{"webhook_id":"a"}'), slow, repo)),
  );
  const refused = outcomes.filter(
    (one) => one.status === "rejected" && one.reason instanceof ReplayAttackError,
  );
  assert.equal([calls, refused.length], [1, 49]);
});

test("where the function throws, the id is given back and the same error comes out", async ({ repo }) => {
  const handler = new WebhookHandler(SECRET);
  const failure = new Error("database is away");
  for (const fail of [
    () => {
      throw failure;
    },
    () => Promise.reject(failure),
  ]) {
    await rejects(
      handler.handleWebhook(signed('{"webhook_id":"a"}'), fail, repo),
      (error) => error === failure,
    );
  }
  assert.is(await handler.handleWebhook(signed('{"webhook_id":"a"}'), () => "done", repo), "done");
});

test("where the id cannot be given back either, both errors come out", async ({ repo }) => {
  const failure = new Error("function");
  const storage = new Error("storage");
  repo.unmarkProcessed = () => Promise.reject(storage);
  const call = new WebhookHandler(SECRET).handleWebhook(
    signed('{"webhook_id":"a"}'),
    () => Promise.reject(failure),
    repo,
  );
  await rejects(call, (error) => {
    assert.ok(error instanceof AggregateError);
    assert.equal(error.errors, [failure, storage]);
    assert.match(error.message, /Cannot give webhook_id "a" back/);
  });
});

test("where the storage is away, the function is not called", async ({ repo }) => {
  repo.markProcessed = () => Promise.reject(new WebhookError("storage_unavailable", "away"));
  let calls = 0;
  const call = new WebhookHandler(SECRET).handleWebhook(signed('{"webhook_id":"a"}'), () => calls++, repo);
  await rejects(call, isCode("storage_unavailable"));
  assert.is(calls, 0);
});

test("a replay that is refused does not give the first one's id back", async ({ repo }) => {
  const handler = new WebhookHandler(SECRET);
  const call = () => handler.handleWebhook(signed('{"webhook_id":"a"}'), () => {}, repo);
  await call();
  await rejects(call(), /again/);
  await rejects(call(), /again/);
});

test("the id is the body's, else the header's, and without one there is no replay check", async ({
  repo,
}) => {
  const cases: [body: string, header: string | null, expected: string[]][] = [
    ['{"webhook_id":"a"}', null, ["mark generic:a"]],
    ['{"webhook_id":"a"}', "b", ["mark generic:a"]],
    ['{"webhook_id":"a"}', "not, one key", ["mark generic:a"]],
    ["{}", "b", ["mark generic:b"]],
    ['{"webhook_id":null}', '"b c"', ["mark generic:b c"]],
    ["[]", "b", ["mark generic:b"]],
    ["{}", null, []],
    ["null", null, []],
    ['{"__proto__":{"webhook_id":"a"}}', null, []],
  ];
  for (const [body, header, expected] of cases) {
    const fresh = await RecordingRepository.open();
    const given = signed(body, header === null ? {} : { "idempotency-key": header });
    await new WebhookHandler(SECRET).handleWebhook(given, () => {}, fresh);
    await fresh.storage.close();
    assert.equal(fresh.commands, expected, body);
  }
  assert.equal(repo.commands, []);
});

const REFUSED: [name: string, request: () => Request, isExpected: (error: Error) => boolean][] = [
  ["no signature", () => post("{}"), isReason("missing")],
  ["a malformed signature", () => post("{}", { "x-signature": "abc" }), isReason("malformed")],
  ["a wrong signature", () => signed("{}", {}, "another"), isReason("mismatch")],
  ["another body", () => post("{ }", { "x-signature": signature("{}", SECRET) }), isReason("mismatch")],
  ["a body that is no JSON", () => signed("hello"), isCode("json_invalid")],
  ["a body that is nested too deep", () => signed("[".repeat(300)), isCode("json_too_deep")],
  ["a body that is too large", () => signed(JSON.stringify("a".repeat(1_000))), isCode("body_too_large")],
  ["an id that is a number", () => signed('{"webhook_id":1}'), isCode("fields_invalid")],
  ["an empty id", () => signed('{"webhook_id":""}'), isCode("fields_invalid")],
  ["two keys", () => signed("{}", { "idempotency-key": "a, b" }), isCode("fields_invalid")],
];

function isReason(reason: string): (error: Error) => boolean {
  return (error) => error instanceof InvalidSignatureError && error.reason === reason;
}

for (const [name, request, isExpected] of REFUSED) {
  test(`${name} is refused with nothing taken and nothing called`, async ({ repo }) => {
    let calls = 0;
    const handler = new WebhookHandler(SECRET, { bodyBytesMax: 500 });
    await rejects(
      handler.handleWebhook(request(), () => calls++, repo),
      isExpected,
    );
    assert.equal([calls, repo.commands], [0, []]);
  });
}

test("an unsigned body is not parsed", async ({ repo }) => {
  const call = new WebhookHandler(SECRET).handleWebhook(post("not JSON"), () => {}, repo);
  await rejects(call, isCode("signature_invalid"));
});

test("any of several secrets may have signed", async ({ repo }) => {
  const handler = new WebhookHandler(["new", "previous"]);
  for (const secret of ["new", "previous"]) {
    assert.is(await handler.verifyRequest(signed("{}", {}, secret)), true);
    assert.is(await handler.handleWebhook(signed("{}", {}, secret), () => secret, repo), secret);
  }
  assert.is(await handler.verifyRequest(signed("{}", {}, "older")), false);
});

test("the list of secrets is copied", async () => {
  const secrets = ["new"];
  const handler = new WebhookHandler(secrets);
  secrets.push("later");
  assert.is(await handler.verifyRequest(signed("{}", {}, "later")), false);
});

test("header, algorithm and provider are the caller's", async ({ repo }) => {
  for (const algorithm of ["sha1", "sha256", "sha384", "sha512"] satisfies Algorithm[]) {
    const handler = new WebhookHandler(SECRET, {
      algorithm,
      signatureHeader: "X-Hub-Signature-256",
      provider: "github",
    });
    const body = `{"webhook_id":"${algorithm}"}`;
    const given = post(body, { "x-hub-signature-256": `${algorithm}=${signature(body, SECRET, algorithm)}` });
    await handler.handleWebhook(given, () => {}, repo);
    assert.is(repo.commands.at(-1), `mark github:${algorithm}`);
  }
});

test("GitHub's published example verifies", async () => {
  const handler = new WebhookHandler("It's a Secret to Everybody", {
    signatureHeader: "X-Hub-Signature-256",
  });
  const hex = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  assert.is(
    await handler.verifyRequest(post("Hello, World!", { "x-hub-signature-256": `sha256=${hex}` })),
    true,
  );
});

test("verifyRequest leaves the request to be handled", async ({ repo }) => {
  const handler = new WebhookHandler(SECRET);
  const given = signed('{"webhook_id":"a"}');
  assert.is(await handler.verifyRequest(given), true);
  assert.is(await handler.verifyRequest(given), true);
  assert.equal(await handler.handleWebhook(given, (payload) => payload, repo), { webhook_id: "a" });
});

test("verifyRequest says no to a wrong signature, and throws where it cannot tell", async () => {
  const handler = new WebhookHandler(SECRET, { bodyBytesMax: 10 });
  assert.is(await handler.verifyRequest(post("{}")), false);
  assert.is(await handler.verifyRequest(post("{}", { "x-signature": "abc" })), false);
  await rejects(handler.verifyRequest(signed(JSON.stringify("a".repeat(20)))), isCode("body_too_large"));
  const used = signed("{}");
  await used.text();
  await rejects(handler.verifyRequest(used), /read already/);
  // Somebody holds the stream and has read nothing yet.
  const locked = signed("{}");
  locked.body?.getReader();
  await rejects(handler.verifyRequest(locked), /read already/);
});

test("a request without a body is verified as an empty one", async () => {
  const ask = (hex: string) => new Request("http://localhost/", { headers: { "x-signature": hex } });
  const handler = new WebhookHandler(SECRET);
  assert.is(await handler.verifyRequest(ask(signature("", SECRET))), true);
  assert.is(await handler.verifyRequest(ask(signature("{}", SECRET))), false);
});

test("a handler that cannot work is not made", () => {
  const cases: [secret: unknown, options: unknown][] = [
    ["", {}],
    [[], {}],
    [["good", ""], {}],
    [undefined, {}],
    [null, {}],
    [7, {}],
    [[undefined], {}],
    [SECRET, { algorithm: "md5" }],
    [SECRET, { algorithm: "constructor" }],
    [SECRET, { signatureHeader: "" }],
    [SECRET, { signatureHeader: "x signature" }],
    [SECRET, { signatureHeader: 7 }],
    [SECRET, { provider: "" }],
    [SECRET, { provider: "GitHub" }],
    [SECRET, { provider: ["github"] }],
    [SECRET, { bodyBytesMax: 0 }],
    [SECRET, { bodyBytesMax: 1.5 }],
    [SECRET, { bodyBytesMax: Number.POSITIVE_INFINITY }],
    [SECRET, { header: "x-signature" }],
  ];
  for (const [secret, options] of cases) {
    assert.throws(
      () => new WebhookHandler(secret as string, options as WebhookHandlerOptions),
      (error: Error) => error instanceof TypeError && error.message.startsWith("Cannot use "),
      JSON.stringify([secret, options]),
    );
  }
});

test("an option that is misspelled is refused with those that there are", () => {
  const options = { signatureheader: "x-hub" } as WebhookHandlerOptions;
  const known = /"signatureheader": WebhookHandler takes signatureHeader, algorithm, provider, bodyBytesMax$/;
  assert.throws(() => new WebhookHandler(SECRET, options), known);
});

test("a function that is none is the caller's mistake, found before anything is read", async ({ repo }) => {
  const given = signed("{}");
  const call = new WebhookHandler(SECRET).handleWebhook(given, undefined as unknown as () => void, repo);
  await rejects(call, /without a function/);
  assert.is(given.bodyUsed, false);
});

test.run();
