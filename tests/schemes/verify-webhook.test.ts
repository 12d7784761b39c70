import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type SignatureReason, type VerifyOptions, verifyWebhook } from "latchhook/verify";
import { Request as UndiciRequest, type RequestInit as UndiciRequestInit } from "undici";
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
  [
    "an option that is none",
    { provider: "github", secret: "s", tolerance: 60 },
    /Cannot use option tolerance: there are provider, secret, now, url and bodyBytesMax/,
  ],
  ["no options", undefined, /Cannot find provider undefined/],
  [
    "a record that extends another",
    { provider: { extends: "paddle" }, secret: "s" },
    /no algorithm and signature, so give defineScheme's/,
  ],
  ["a list of providers", { provider: ["github"], secret: "s" }, /no algorithm and signature/],
  ["a variable's absence as text", { provider: "github", secret: `${undefined}` }, /without a secret/],
  ["null as text", { provider: "github", secret: ["s", " null\n"] }, /without a secret/],
  ["a function for a secret", { provider: "github", secret: () => "s" }, /without a secret/],
  [
    "a bound that is not set",
    { provider: "github", secret: "s", bodyBytesMax: Number.NaN },
    /Cannot use this bodyBytesMax/,
  ],
  [
    "a bound of text",
    { provider: "github", secret: "s", bodyBytesMax: "1mb" },
    /Cannot use this bodyBytesMax/,
  ],
  [
    "a bound of nothing",
    { provider: "github", secret: "s", bodyBytesMax: 0 },
    /Cannot use this bodyBytesMax/,
  ],
  ["an absent now", { provider: "github", secret: "s", now: null }, /Cannot use this now/],
  ["the function of a clock", { provider: "github", secret: "s", now: Date.now }, /Cannot use this now/],
  [
    "a clock that gives dates",
    { provider: "github", secret: "s", now: { now: () => new Date() } },
    /Cannot use this now/,
  ],
  ["a bigint", { provider: "github", secret: "s", now: 1n }, /Cannot use this now/],
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

test("a body that a parser has emptied or taken is said to be so, and a stranger's request without one is not", async () => {
  const options = { provider: "github", secret: "s" };
  const headers = { ...signWebhook("github", "{}", "s").headers, "content-length": "2" };
  const emptied = new Request(URL, { method: "POST", headers, body: "" });
  const parsed = { method: "POST", headers: new Headers(headers), body: { a: 1 }, bodyUsed: false };
  const text = { ...parsed, body: "{}" };
  for (const request of [emptied, parsed, text]) {
    const error = await verifyWebhook(request as unknown as Request, options).catch((e) => e);
    assert.instance(error, TypeError);
    assert.match(error.message, /read already: /);
  }
  // Anyone may send this, and a mistake of the host would be answered with 500.
  for (const method of ["GET", "HEAD"]) {
    const error = await verifyWebhook(new Request(URL, { method, headers }), options).catch((e) => e);
    assert.is(error.reason, "mismatch");
  }
});

test("a body that breaks off, or is not bytes, is not taken for shorter", async () => {
  const options = { provider: "telegram", secret: "s" };
  const { headers } = signWebhook("telegram", "{}", "s");
  const make = (chunks: readonly unknown[], end: "close" | "error"): Request => {
    const body = new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk);
        if (end === "close") controller.close();
        else controller.error(new TypeError("terminated"));
      },
    });
    return new Request(URL, { method: "POST", headers, body, duplex: "half" } as RequestInit);
  };
  const whole = await verifyWebhook(make([Buffer.from("{"), Buffer.from("}")], "close"), options);
  assert.equal(whole.body, {});
  const broken = await verifyWebhook(make([Buffer.from("{}")], "error"), options).catch((e) => e);
  assert.instance(broken, WebhookError);
  assert.is(broken.code, "body_unreadable");
  for (const chunks of [
    [Buffer.from("{}"), "more"],
    ["{}"],
    [{ length: 2 }],
    [Buffer.from("{}"), undefined],
  ]) {
    const error = await verifyWebhook(make(chunks, "close"), options).catch((e) => e);
    assert.instance(error, WebhookError, JSON.stringify(chunks));
    assert.match(error.code, /^body_(unreadable|too_large)$/);
  }
});

test("a Request of undici's is one, and an error of another copy is told by its code", async () => {
  const made = signWebhook("github", BODY, "s", { type: "ping" });
  const request = new UndiciRequest(URL, made as unknown as UndiciRequestInit) as unknown as Request;
  assert.is((await verifyWebhook(request, { provider: "github", secret: "s" })).type, "ping");
  const bundled = await build({
    entryPoints: [fileURLToPath(new globalThis.URL("../../lib/schemes/verify-webhook.ts", import.meta.url))],
    bundle: true,
    format: "esm",
    platform: "node",
    write: false,
  });
  const source = Buffer.from(bundled.outputFiles[0]?.contents ?? []).toString("base64");
  const copy = (await import(`data:text/javascript;base64,${source}`)) as {
    verifyWebhook: typeof verifyWebhook;
  };
  const again = (): Request => new Request(URL, made);
  const options = { provider: "github", secret: "other" };
  const error = await copy.verifyWebhook(again(), options).catch((e) => e);
  assert.not.ok(error instanceof InvalidSignatureError);
  assert.equal(
    [error.name, error.code, error.reason],
    ["InvalidSignatureError", "signature_invalid", "mismatch"],
  );
});

test("a URL object is as good as its text", async () => {
  const secret = keysFor(builtInScheme("square") as Scheme);
  const options = { provider: "square", secret: secret.verifying, url: new globalThis.URL(URL) };
  assert.is((await verifyWebhook(signed("square", secret.signing), options)).type, "a.b");
});

test("a wrong option is told before the body is touched, so that the request can be used", async () => {
  const request = new Request(URL, signWebhook("github", "{}", "s"));
  await verifyWebhook(request, { provider: "github", secret: "" }).catch(() => {});
  assert.is(request.bodyUsed, false);
});

test("the types tell what may be given and what a refusal may say", async () => {
  const request = (): Request => new Request(URL, signWebhook("github", BODY, "s"));
  const event = await verifyWebhook<{ id: string }>(request(), { provider: "github", secret: "s" });
  const id: string = event.body.id;
  assert.is(id, "evt_1");
  const unset: string | undefined = undefined;
  for (const wrong of [
    // @ts-expect-error a variable that may not be set
    (): Promise<unknown> => verifyWebhook(request(), { provider: "github", secret: unset }),
    // @ts-expect-error an option that is there and undefined
    (): Promise<unknown> => verifyWebhook(request(), { provider: "github", secret: "", url: undefined }),
    // @ts-expect-error an option that is none
    (): Promise<unknown> => verifyWebhook(request(), { provider: "github", secret: "s", secrets: ["s"] }),
    // @ts-expect-error a parsed body
    (): Promise<unknown> => verifyWebhook({ body: {}, headers: {} }, { provider: "github", secret: "s" }),
  ]) {
    assert.instance(await wrong().catch((e) => e), TypeError);
  }
  const words: Record<SignatureReason, string> = {
    ...{ no_secret: "", no_url: "", missing: "", malformed: "", mismatch: "m", stale: "" },
  };
  const error = new InvalidSignatureError("mismatch");
  assert.is(words[error.reason], "m");
  // @ts-expect-error no reason
  assert.ok(error.reason !== "because");
});

test("a framework's own request is refused with the way out", async () => {
  const express = { method: "POST", headers: { "x-hub-signature-256": "sha256=1" }, body: { a: 1 } };
  for (const request of [express, null, undefined, "{}"]) {
    const verified = verifyWebhook(request as unknown as Request, { provider: "github", secret: "s" });
    assert.match((await verified.catch((e) => e)).message, /make one of the raw body: new Request/);
  }
});

test.run();
