import { type VerifyOptions, verifyWebhook } from "latchhook/verify";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InvalidSignatureError, WebhookError } from "../../lib/errors.ts";
import type { Scheme } from "../../lib/scheme.ts";
import { builtInScheme, builtInSchemeNames } from "../../lib/schemes/mod.ts";
import { signWebhook } from "../../lib/schemes/sign-webhook.ts";
import { keysFor } from "../support/keys.ts";

const test = suite("schemes/verify-webhook");

const AT = 1_793_617_200_000;
const URL = "https://hooks.example.org/hook?a=1";
const BODY = { id: "evt_1", type: "a.b" };

function signed(provider: string, secret: string): Request {
  const body = provider === "twilio" ? { MessageSid: "SM1", MessageStatus: "sent" } : BODY;
  return new Request(URL, signWebhook(provider, body, secret, { at: AT, id: "msg_1", url: URL }));
}

for (const name of builtInSchemeNames()) {
  test(`${name}: what is signed is verified, with its id, type, time and bytes`, async () => {
    const scheme = builtInScheme(name) as Scheme;
    const { signing, verifying, other } = keysFor(scheme);
    const options = { provider: name, secret: verifying, now: AT, url: URL };
    const event = await verifyWebhook(signed(name, signing), options);
    assert.equal(event.timestamp, scheme.timestamp === undefined ? null : new Date(AT));
    assert.ok(event.rawBody.byteLength > 0);
    if (name === "stripe") assert.is(event.id, "evt_1");
    if (name === "svix") assert.is(event.id, "msg_1");
    if (String(scheme.replayGuard).startsWith("body"))
      assert.match(event.replayKey ?? "", /^sha256:[0-9a-f]{64}(?::null)?$/);
    else assert.is(event.replayKey === null, scheme.replayGuard === undefined);
    const refused = await verifyWebhook(signed(name, signing), { ...options, secret: other }).catch((e) => e);
    assert.instance(refused, InvalidSignatureError);
    assert.is(refused.reason, "mismatch");
  });
}

test("of several secrets any may have signed, and a record of one's own does as a name", async () => {
  const provider: Scheme = { algorithm: "hmac-sha1", signature: { header: "x-acme", encoding: "hex" } };
  const request = new Request(URL, signWebhook(provider, "{}", "old"));
  assert.equal((await verifyWebhook(request, { provider, secret: ["new", "old"] })).body, {});
});

test("now is a date, a number or a clock", async () => {
  for (const now of [new Date(AT), AT, { now: () => AT }]) {
    await verifyWebhook(signed("stripe", "whsec_x"), { provider: "stripe", secret: "whsec_x", now });
  }
  for (const now of [AT + 300_001, new Date(AT - 300_001), { now: () => 0 }]) {
    const late = verifyWebhook(signed("stripe", "whsec_x"), { provider: "stripe", secret: "whsec_x", now });
    assert.is((await late.catch((e) => e)).reason, "stale");
  }
});

test("each refusal has its reason", async () => {
  const reasons: [string, RequestInit][] = [
    ["missing", { method: "POST", body: "{}" }],
    ["malformed", { method: "POST", body: "{}", headers: { "x-hub-signature-256": "sha256=12" } }],
    [
      "mismatch",
      { method: "POST", body: "{}", headers: { "x-hub-signature-256": `sha256=${"0".repeat(64)}` } },
    ],
    ["missing", { method: "GET" }],
  ];
  for (const [reason, init] of reasons) {
    const verified = verifyWebhook(new Request(URL, init), { provider: "github", secret: "s" });
    const error = await verified.catch((e) => e);
    assert.instance(error, InvalidSignatureError);
    assert.is(error.reason, reason);
  }
});

test("a signed body that is no JSON, and one that is too long, are told apart from a forgery", async () => {
  const options = { provider: "github", secret: "s" };
  const text = new Request(URL, signWebhook("github", "not json", "s"));
  assert.is((await verifyWebhook(text, options).catch((e) => e)).code, "json_invalid");
  const long = () => new Request(URL, signWebhook("github", JSON.stringify("x".repeat(9_998)), "s"));
  assert.is((await verifyWebhook(long(), { ...options, bodyBytesMax: 10_000 })).rawBody.byteLength, 10_000);
  const error = await verifyWebhook(long(), { ...options, bodyBytesMax: 9_999 }).catch((e) => e);
  assert.instance(error, WebhookError);
  assert.is(error.code, "body_too_large");
});

/** A mistake of the caller is no forgery, and never verifies anything. */
const MISTAKES: [name: string, options: unknown, message: RegExp][] = [
  [
    "a variable that is not set",
    { provider: "github", secret: undefined },
    /without a secret: it is empty or no text/,
  ],
  ["an empty secret", { provider: "github", secret: "" }, /without a secret/],
  ["an empty secret among others", { provider: "github", secret: ["s", ""] }, /without a secret/],
  ["no secrets", { provider: "github", secret: [] }, /without a secret/],
  ["a secret of white space", { provider: "github", secret: " \n" }, /without a secret/],
  [
    "a provider that is none",
    { provider: "gitub", secret: "s" },
    /Cannot find provider "gitub": the names are generic, /,
  ],
  ["an inherited name", { provider: "__proto__", secret: "s" }, /Cannot find provider "__proto__"/],
  ["no provider", { secret: "s" }, /Cannot find provider undefined/],
  [
    "a secret in another form",
    { provider: "svix", secret: "not base64!" },
    /Cannot use the secret: it is not "whsec_"/,
  ],
  ["no URL", { provider: "square", secret: "s" }, /without the whole public URL.*give \{ url \}/],
  ["half a URL", { provider: "square", secret: "s", url: "/hook" }, /without the whole public URL/],
  ["a wrong now", { provider: "stripe", secret: "s", now: "today" }, /Cannot use this now/],
  ["an invalid date", { provider: "stripe", secret: "s", now: new Date("x") }, /Cannot use this now/],
];
for (const [name, options, message] of MISTAKES) {
  test(`${name} is a TypeError that says what to give`, async () => {
    const request = new Request(URL, signWebhook("github", "{}", "s"));
    const error = await verifyWebhook(request, options as VerifyOptions).catch((e) => e);
    assert.instance(error, TypeError);
    assert.match(error.message, message);
  });
}

test("a body that was read, or is being read, is said to be so", async () => {
  const make = (): Request => new Request(URL, signWebhook("github", "{}", "s"));
  const read = make();
  await read.json();
  const locked = make();
  locked.body?.getReader();
  const emptied = new Request(URL, { method: "POST", headers: { "content-length": "2" } });
  for (const request of [read, locked, emptied]) {
    const error = await verifyWebhook(request, { provider: "github", secret: "s" }).catch((e) => e);
    assert.instance(error, TypeError);
    assert.match(error.message, /read already: .* before a body parser/);
  }
});

test("a framework's own request is refused with the way out", async () => {
  const express = { method: "POST", headers: { "x-hub-signature-256": "sha256=1" }, body: { a: 1 } };
  for (const request of [express, null, undefined, "{}"]) {
    const verified = verifyWebhook(request as unknown as Request, { provider: "github", secret: "s" });
    assert.match((await verified.catch((e) => e)).message, /make one of the raw body: new Request/);
  }
});

test.run();
