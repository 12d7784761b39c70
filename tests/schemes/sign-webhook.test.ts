import { signWebhook } from "latchhook";
import { verifyWebhook } from "latchhook/verify";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { SignOptions } from "../../lib/schemes/sign-webhook.ts";

const test = suite("schemes/sign-webhook");

const URL_CALLED = "https://hooks.example.org/hook?a=1";
const AT = 1_793_617_200_000;
const FORM = "application/x-www-form-urlencoded";

/** The body as it goes over the wire, and its content type. */
function wire(
  provider: string,
  body: unknown,
  options: SignOptions = {},
): [text: string, contentType: string] {
  const signed = signWebhook(provider, body as object, "s", { url: URL_CALLED, ...options });
  return [Buffer.from(signed.body).toString(), signed.headers["content-type"] ?? ""];
}

test("text and bytes go as they are, values as the provider writes them", () => {
  assert.equal(wire("github", "{ }"), ["{ }", "application/json"]);
  assert.equal(wire("github", Buffer.from("{ }")), ["{ }", "application/json"]);
  assert.equal(wire("github", { a: [1] }), ['{"a":[1]}', "application/json"]);
  assert.equal(wire("twilio", { a: ["1", 2], b: "c d" }), ["a=1&a=2&b=c+d", FORM]);
  assert.equal(wire("twilio", new URLSearchParams("b=1&a=2&a=3")), ["b=1&a=2&a=3", FORM]);
});

test("a form is made of fields and of URLSearchParams wherever one is asked for", () => {
  assert.equal(wire("github", new URLSearchParams({ payload: "{}" })), ["payload=%7B%7D", FORM]);
  assert.equal(wire("github", { payload: "{}" }, { contentType: `${FORM}; charset=utf-8` }), [
    "payload=%7B%7D",
    `${FORM}; charset=utf-8`,
  ]);
  assert.equal(wire("slack", { command: "/a" }, { contentType: FORM }), ["command=%2Fa", FORM]);
});

test("what is signed is what a Request takes, with its method, id, type and time", async () => {
  const options = { at: new Date(AT), id: "msg_1", method: "PUT", url: new URL(URL_CALLED) };
  const signed = signWebhook("svix", { type: "a.b" }, "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH", options);
  const request = new Request(URL_CALLED, signed);
  assert.is(request.method, "PUT");
  const secret = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";
  const event = await verifyWebhook(request, { provider: "svix", secret, now: AT });
  assert.equal([event.id, event.type, event.timestamp], ["msg_1", "a.b", new Date(AT)]);
  const square = new Request(
    URL_CALLED,
    signWebhook("square", { type: "a" }, "s", { url: new URL(URL_CALLED) }),
  );
  assert.is((await verifyWebhook(square, { provider: "square", secret: "s", url: URL_CALLED })).type, "a");
});

const MISTAKES: [name: string, args: unknown[], message: RegExp][] = [
  ["no secret", ["github", {}, undefined], /Cannot sign without a secret/],
  ["an empty token", ["telegram", {}, ""], /Cannot sign without a secret/],
  [
    "an option that is none",
    ["github", {}, "s", { timestamp: 1 }],
    /Cannot use option timestamp: there are at, /,
  ],
  ["a time of text", ["stripe", {}, "s", { at: "2026-01-01" }], /Cannot use this at/],
  ["an invalid date", ["stripe", {}, "s", { at: new Date("x") }], /Cannot use this at/],
  ["no body", ["github", undefined, "s"], /what is no body: give text, bytes/],
  ["null", ["github", null, "s"], /what is no body/],
  ["an ArrayBuffer", ["github", new ArrayBuffer(2), "s"], /what is no body/],
  [
    "an object in a form",
    ["twilio", { a: { b: 1 } }, "s", { url: URL_CALLED }],
    /the form's field a: give text/,
  ],
  ["no URL", ["square", {}, "s"], /Cannot sign without the public URL/],
  ["an unknown provider", ["gitub", {}, "s"], /Cannot find provider "gitub"/],
];
for (const [name, args, message] of MISTAKES) {
  test(`${name} is a TypeError that says what to give`, () => {
    const sign = signWebhook as (...given: unknown[]) => unknown;
    assert.throws(
      () => sign(...args),
      (error: Error) => error instanceof TypeError && message.test(error.message),
    );
  });
}

test.run();
