import { createHash } from "node:crypto";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Delivery, type DeliverySettings, parseDelivery } from "../../lib/accept/delivery.ts";
import { WebhookError } from "../../lib/errors.ts";
import { encodeText } from "../../lib/json.ts";
import type { Scheme } from "../../lib/scheme.ts";
import { generic } from "../../lib/schemes/generic.ts";
import type { Provider } from "../../lib/schemes/providers.ts";
import { Verifier } from "../../lib/verify/verify.ts";

const test = suite("accept/delivery");

const SETTINGS: DeliverySettings = { keepHeaders: [], requireId: false };
const SIGNATURE: Scheme["signature"] = { header: "x-mac", encoding: "hex" };
/** Its id is in the body and so signed; its type is in a header. */
const acme: Scheme = {
  algorithm: "hmac-sha256",
  signature: SIGNATURE,
  id: { body: "event.id" },
  type: { header: "x-kind" },
};
/** Its id is in a header that no signature covers. */
const hub: Scheme = {
  algorithm: "hmac-sha256",
  signature: SIGNATURE,
  id: { header: "x-delivery" },
  type: { body: "kind" },
};
const plain: Scheme = { algorithm: "hmac-sha256", signature: SIGNATURE };

function parse(
  scheme: Scheme,
  body: unknown,
  headers: Record<string, string> = {},
  settings: Partial<DeliverySettings> = {},
): Delivery {
  const provider: Provider = {
    name: scheme === generic ? "generic" : "acme",
    scheme,
    secrets: [],
    verifier: new Verifier(scheme, []),
    verifyTokens: [],
    isUnsignedAllowed: true,
    acceptedContentTypes: ["application/json"],
    rate: null,
  };
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const sent = new Headers(headers);
  return parseDelivery(provider, scheme, sent, encodeText(text), { ...SETTINGS, ...settings }, ["a note"]);
}

/** The faults of a generic body, each as `pointer detail`. */
function faultsOf(
  body: unknown,
  headers: Record<string, string> = {},
  settings: Partial<DeliverySettings> = {},
): string[] {
  try {
    parse(generic, body, headers, settings);
  } catch (error) {
    if (!(error instanceof WebhookError)) throw error;
    assert.is(error.code, "fields_invalid");
    assert.is.not(error.message, "");
    return error.faults.map(({ pointer, detail }) => `${pointer} ${detail}`);
  }
  return [];
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

test("a generic delivery is all that it says, and nothing is made up", () => {
  const body = '{"workflow_name":"write","inputs":{"topic":"AI"},"webhook_id":"a"}';
  const headers = { "content-type": "application/json", "x-other": "no" };
  assert.equal(
    { ...parse(generic, body, headers), bodyHash: null },
    {
      provider: "generic",
      idSource: "body",
      webhookId: "a",
      idKey: "generic:body:a",
      guardKey: null,
      bodyHash: null,
      type: "write",
      contentType: "application/json",
      headers: { "content-type": "application/json" },
      body: encodeText(body),
      value: { workflow_name: "write", inputs: { topic: "AI" }, webhook_id: "a" },
      workflowName: "write",
      notes: ["a note"],
    },
  );
  assert.is(Buffer.from(parse(generic, body).bodyHash).toString("hex"), hashOf(body));
});

const FAULTS: [body: unknown, faults: string[]][] = [
  [null, [" must be an object with workflow_name and inputs"]],
  [[], [" must be an object with workflow_name and inputs"]],
  [7, [" must be an object with workflow_name and inputs"]],
  ['"text"', [" must be an object with workflow_name and inputs"]],
  [{}, ["/workflow_name is missing", "/inputs is missing; give an object, {} for none"]],
  [
    '{"__proto__":{"workflow_name":"a","inputs":{}}}',
    ["/workflow_name is missing", "/inputs is missing; give an object, {} for none"],
  ],
  [{ workflow_name: 1, inputs: {} }, ["/workflow_name must be a string"]],
  [{ workflow_name: null, inputs: {} }, ["/workflow_name must be a string"]],
  [{ workflow_name: "a", inputs: null }, ["/inputs must be an object"]],
  [{ workflow_name: "a", inputs: [] }, ["/inputs must be an object"]],
  [{ workflow_name: "a", inputs: "x" }, ["/inputs must be an object"]],
  [{ workflow_name: "a", inputs: {}, webhook_id: 7 }, ["/webhook_id must be a string"]],
  [
    { workflow_name: [], inputs: 1, webhook_id: "" },
    ["/workflow_name must be a string", "/inputs must be an object", "/webhook_id must not be empty"],
  ],
  [{ workflow_name: "a", inputs: {} }, []],
  [{ workflow_name: "", inputs: {}, webhook_id: null, more: 1 }, []],
];
for (const [body, faults] of FAULTS) {
  test(`a generic body ${JSON.stringify(body)} has ${faults.length} faults`, () => {
    assert.equal(faultsOf(body), faults);
  });
}

test("where an id is required, a header is none, and other faults come first", () => {
  const missing = ["/webhook_id is missing; this server takes no delivery without a signed id"];
  const whole = { workflow_name: "a", inputs: {} };
  assert.equal(faultsOf(whole, { "idempotency-key": "k" }, { requireId: true }), missing);
  assert.equal(faultsOf({ ...whole, webhook_id: "k" }, {}, { requireId: true }), []);
  assert.equal(faultsOf({ workflow_name: "a" }, {}, { requireId: true }), [
    "/inputs is missing; give an object, {} for none",
  ]);
});

test("the body's id counts before the header's, which stands in under a source of its own", () => {
  const whole = { workflow_name: "a", inputs: {} };
  const ids = (body: object, headers: Record<string, string>) => {
    const { idSource, webhookId, idKey } = parse(generic, body, headers);
    return [idSource, webhookId, idKey];
  };
  assert.equal(ids(whole, {}), [null, null, null]);
  assert.equal(ids(whole, { "idempotency-key": '"k 1"' }), ["header", "k 1", "generic:header:k 1"]);
  assert.equal(ids({ ...whole, webhook_id: "b" }, { "idempotency-key": "no, key" }), [
    "body",
    "b",
    "generic:body:b",
  ]);
});

test("a signed id alone is the key, an unsigned one counts together with the body", () => {
  const signed = parse(acme, { event: { id: "e" } });
  assert.equal([signed.idSource, signed.webhookId, signed.idKey], ["scheme", "e", "acme:scheme:e"]);
  const body = '{"kind":"push"}';
  const unsigned = parse(hub, body, { "x-delivery": "d" });
  assert.equal(
    [unsigned.idSource, unsigned.webhookId, unsigned.idKey],
    ["scheme", "d", `acme:scheme+body:${hashOf(body)}:d`],
  );
  assert.is(unsigned.type, "push");
});

const LONG = "x".repeat(256);
const IDS: [body: string, webhookId: string | null][] = [
  ['{"event":{"id":"e"}}', "e"],
  ['{"event":{"id":17}}', "17"],
  ['{"event":{"id":1.0}}', "1"],
  ['{"event":{"id":0}}', "0"],
  ['{"event":{"id":-9007199254740991}}', "-9007199254740991"],
  ['{"event":{"id":9007199254740992}}', null], // two such numbers read the same
  ['{"event":{"id":1.5}}', null],
  ['{"event":{"id":""}}', null],
  ['{"event":{"id":null}}', null],
  ['{"event":{"id":true}}', null],
  ['{"event":{"id":["e"]}}', null],
  ['{"event":null}', null],
  ['{"event":"id"}', null],
  ['{"__proto__":{"event":{"id":"e"}}}', null],
  ["[]", null],
  ["null", null],
  ["7", null],
  [`{"event":{"id":"${"🎣".repeat(255)}"}}`, "🎣".repeat(255)],
  [`{"event":{"id":"${LONG}"}}`, `sha256:${hashOf(LONG)}`],
  ['{"event":{"id":"a\\nb"}}', `sha256:${hashOf("a\nb")}`],
  // Half surrogates have no UTF-8, so it is their JSON that is hashed, and each stays its own.
  ['{"event":{"id":"\\ud800"}}', `sha256:${hashOf('"\\ud800"')}`],
  ['{"event":{"id":"\\ud801"}}', `sha256:${hashOf('"\\ud801"')}`],
];
for (const [body, webhookId] of IDS) {
  test(`the scheme's id in ${body.slice(0, 40)} is ${String(webhookId).slice(0, 20)}`, () => {
    const { idSource, webhookId: found, idKey } = parse(acme, body);
    assert.is(found, webhookId);
    assert.is(idSource, webhookId === null ? null : "scheme");
    assert.is(idKey, webhookId === null ? null : `acme:scheme:${webhookId}`);
  });
}

test("where bodies do not repeat the body alone is the key, whatever id it has, and none is needed", () => {
  const hub: Scheme = { ...plain, id: { header: "x-id" }, replayGuard: "body" };
  const keys = [{ "x-id": "e" }, { "x-id": "f" }, {}].map((headers) => parse(hub, "{}", headers));
  for (const { idKey, guardKey } of keys) {
    assert.is(idKey, `acme:scheme+body:${hashOf("{}")}:`);
    assert.is(guardKey, null);
  }
  assert.equal(
    keys.map(({ webhookId }) => webhookId),
    ["e", "f", `sha256:${hashOf("{}")}`],
  );
  assert.is.not(parse(hub, "[]").idKey, keys[0]?.idKey);
  const off: Scheme = { ...hub, replayGuard: "none" };
  assert.is(parse(off, "{}", { "x-id": "e" }).idKey, `acme:scheme+body:${hashOf("{}")}:e`);
  assert.equal([parse(off, "{}").idKey, parse(off, "{}").guardKey], [null, null]);
});

test("the value at a guard's place is a key of its own, with an id and without", () => {
  const once: Scheme = { ...plain, id: { body: "id" }, replayGuard: { body: "meta.token" } };
  const keysOf = (body: unknown): unknown => {
    const { idKey, guardKey } = parse(once, body);
    return [idKey, guardKey];
  };
  assert.equal(keysOf({ id: "e", meta: { token: "t" } }), ["acme:scheme:e", "acme:guard:t"]);
  assert.equal(keysOf({ meta: { token: 7 } }), [null, "acme:guard:7"]);
  for (const meta of [{}, { token: "" }, { token: null }, { token: ["t"] }, "t"])
    assert.equal(keysOf({ id: "e", meta }), ["acme:scheme:e", null]);
  for (const token of ["t".repeat(256), "t\u0000"])
    assert.equal(keysOf({ meta: { token } }), [null, `acme:guard:sha256:${hashOf(token)}`]);
});

test("a text is no object: nothing in it is an id", () => {
  for (const path of ["event.length", "event.0", "length"]) {
    const scheme = { ...acme, id: { body: path } };
    assert.is(parse(scheme, { event: "abc" }).webhookId, null, path);
    assert.is(parse(scheme, '"abc"').webhookId, null, path);
  }
});

test("an id in a header may be missing or empty, and then the delivery has none", () => {
  for (const headers of [{}, { "x-delivery": "" }]) {
    const { idSource, webhookId, idKey } = parse(hub, "{}", headers);
    assert.equal([idSource, webhookId, idKey], [null, null, null]);
  }
});

test("a scheme without places has neither id nor type, and the body names no workflow", () => {
  const delivered = parse(
    plain,
    { id: "a", workflow_name: "write", webhook_id: "b" },
    { "idempotency-key": "k" },
  );
  const { idSource, webhookId, idKey, type, workflowName } = delivered;
  assert.equal([idSource, webhookId, idKey, type, workflowName], [null, null, null, null, null]);
});

test("kept are content-type, user-agent, the scheme's own headers, those that are asked for, and no other", () => {
  const headers = {
    "content-type": "application/json",
    "user-agent": "acme/1",
    "x-kind": "paid",
    "x-delivery": "d",
    "x-mac": "signature",
    "x-more": "more",
    "idempotency-key": "k",
    authorization: "Bearer token",
  };
  const always = { "content-type": "application/json", "user-agent": "acme/1" };
  assert.equal(parse(plain, "{}", headers).headers, always);
  assert.equal(parse(acme, "{}", headers).headers, { ...always, "x-kind": "paid" });
  assert.equal(parse(hub, "{}", headers).headers, { ...always, "x-delivery": "d" });
  assert.equal(parse(plain, "{}", headers, { keepHeaders: ["x-more", "x-none"] }).headers, {
    ...always,
    "x-more": "more",
  });
  assert.equal(parse(plain, "{}").headers, {});
  assert.is(parse(plain, "{}").contentType, "");
});

test("a body that is no JSON, or too deep, is no delivery at any provider", () => {
  for (const scheme of [generic, plain]) {
    for (const [body, code] of [
      ["{", "json_invalid"],
      ["[".repeat(201), "json_too_deep"],
    ] as const) {
      const isCode = (error: Error) => error instanceof WebhookError && error.code === code;
      assert.throws(() => parse(scheme, body), isCode, code);
    }
  }
});

test.run();
