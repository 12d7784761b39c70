import { createHmac, createPublicKey, verify } from "node:crypto";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { builtInSchemeNames } from "../../lib/schemes/mod.ts";
import { readSigningKey } from "../../lib/verify/keys.ts";
import { MORE_NAMES, SIGNED_AT, type SignedCase, signedCase } from "../support/signed-case.ts";

/** What a provider's documents say of a delivery's headers, written down again and without the records. */
type Expected = (given: {
  readonly secret: string;
  readonly url: string;
  readonly body: Uint8Array;
}) => Readonly<Record<string, string>>;

const SECONDS = String(SIGNED_AT / 1_000);
const MILLISECONDS = String(SIGNED_AT);

function mac(
  algorithm: string,
  encoding: "hex" | "base64",
  secret: string | Uint8Array,
  ...content: readonly (string | Uint8Array)[]
): string {
  const hmac = createHmac(algorithm, secret);
  for (const one of content) hmac.update(one);
  return hmac.digest(encoding);
}

/** HMAC-SHA256 of the body, in hex. */
const hexOfBody =
  (header: string, prefix = ""): Expected =>
  ({ secret, body }) => ({ [header]: prefix + mac("sha256", "hex", secret, body) });

const base64OfBody =
  (header: string, prefix = ""): Expected =>
  ({ secret, body }) => ({ [header]: prefix + mac("sha256", "base64", secret, body) });

const standard: Expected = ({ secret, body }) => {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  return {
    "webhook-id": "msg_1",
    "webhook-timestamp": SECONDS,
    "webhook-signature": `v1,${mac("sha256", "base64", key, `msg_1.${SECONDS}.`, body)}`,
  };
};

const stripeLike =
  (header: string): Expected =>
  ({ secret, body }) => ({
    [header]: `t=${SECONDS},v1=${mac("sha256", "hex", secret, `${SECONDS}.`, body)}`,
  });

const slackLike =
  (signature: string, timestamp: string): Expected =>
  ({ secret, body }) => ({
    [timestamp]: SECONDS,
    [signature]: `v0=${mac("sha256", "hex", secret, `v0:${SECONDS}:`, body)}`,
  });

const token =
  (header: string, prefix = ""): Expected =>
  ({ secret }) => ({ [header]: prefix + secret });

const meta = hexOfBody("x-hub-signature-256", "sha256=");

const EXPECTED: Readonly<Record<string, Expected>> = {
  generic: hexOfBody("x-signature", "sha256="),
  "standard-webhooks": standard,
  svix: standard,
  clerk: standard,
  resend: standard,
  openai: standard,
  supabase: standard,
  "gitlab-signed": standard,
  github: hexOfBody("x-hub-signature-256", "sha256="),
  stripe: stripeLike("stripe-signature"),
  slack: slackLike("x-slack-signature", "x-slack-request-timestamp"),
  shopify: base64OfBody("x-shopify-hmac-sha256"),
  twilio: ({ secret, url, body }) => {
    const fields = [...new URLSearchParams(Buffer.from(body).toString())].sort(([a], [b]) =>
      a < b ? -1 : 1,
    );
    return {
      "x-twilio-signature": mac("sha1", "base64", secret, url, fields.flat().join("")),
    };
  },
  gitlab: token("x-gitlab-token"),
  telegram: token("x-telegram-bot-api-secret-token"),
  meta,
  whatsapp: meta,
  messenger: meta,
  instagram: meta,
  linear: hexOfBody("linear-signature"),
  paddle: ({ secret, body }) => ({
    "paddle-signature": `ts=${SECONDS};h1=${mac("sha256", "hex", secret, `${SECONDS}:`, body)}`,
  }),
  square: ({ secret, url, body }) => ({
    "x-square-hmacsha256-signature": mac("sha256", "base64", secret, url, body),
  }),
  razorpay: hexOfBody("x-razorpay-signature"),
  "lemon-squeezy": hexOfBody("x-signature"),
  "coinbase-commerce": hexOfBody("x-cc-webhook-signature"),
  xero: base64OfBody("x-xero-signature"),
  zoom: slackLike("x-zm-signature", "x-zm-request-timestamp"),
  hubspot: ({ secret, url, body }) => ({
    "x-hubspot-request-timestamp": MILLISECONDS,
    "x-hubspot-signature-v3": mac("sha256", "base64", secret, "POST", url, body, MILLISECONDS),
  }),
  jira: hexOfBody("x-hub-signature", "sha256="),
  bitbucket: hexOfBody("x-hub-signature", "sha256="),
  gitea: hexOfBody("x-gitea-signature"),
  forgejo: hexOfBody("x-forgejo-signature"),
  gogs: hexOfBody("x-gogs-signature"),
  notion: hexOfBody("x-notion-signature", "sha256="),
  asana: hexOfBody("x-hook-signature"),
  trello: ({ secret, url, body }) => ({ "x-trello-webhook": mac("sha1", "base64", secret, body, url) }),
  sentry: hexOfBody("sentry-hook-signature"),
  pagerduty: hexOfBody("x-pagerduty-signature", "v1="),
  intercom: ({ secret, body }) => ({ "x-hub-signature": `sha1=${mac("sha1", "hex", secret, body)}` }),
  typeform: base64OfBody("typeform-signature", "sha256="),
  calendly: stripeLike("calendly-webhook-signature"),
  box: ({ secret, body }) => {
    const time = "2026-11-02T08:00:00+00:00";
    return {
      "box-delivery-timestamp": time,
      "box-signature-version": "1",
      "box-signature-algorithm": "HmacSHA256",
      "box-signature-primary": mac("sha256", "base64", secret, body, time),
    };
  },
  dropbox: hexOfBody("x-dropbox-signature"),
  cloudevents: token("authorization", "Bearer "),
};

/** What a pair signs, with the header of its time and of its signature. */
const PAIRS: Readonly<
  Record<string, { time: string; signature: string; encoding: "hex" | "base64"; prefix: string }>
> = {
  discord: {
    time: "x-signature-timestamp",
    signature: "x-signature-ed25519",
    encoding: "hex",
    prefix: SECONDS,
  },
  sendgrid: {
    time: "x-twilio-email-event-webhook-timestamp",
    signature: "x-twilio-email-event-webhook-signature",
    encoding: "base64",
    prefix: SECONDS,
  },
  "standard-pair": {
    time: "webhook-timestamp",
    signature: "webhook-signature",
    encoding: "base64",
    prefix: `msg_1.${SECONDS}.`,
  },
};

const test = suite("schemes/signatures");

test("every scheme is written down here, once", () => {
  const names = [...Object.keys(EXPECTED), ...Object.keys(PAIRS), "mailgun"].sort();
  assert.equal(names, [...builtInSchemeNames(), ...MORE_NAMES].sort());
});

for (const [name, expected] of Object.entries(EXPECTED)) {
  test(`${name} signs what its documents say, where they say it`, () => {
    const { keys, sent } = signedCase(name);
    for (const [header, text] of Object.entries(
      expected({ secret: keys.signing, url: sent.url ?? "", body: sent.body }),
    ))
      assert.is(sent.headers[header], text, header);
  });
}

for (const [name, { time, signature, encoding, prefix }] of Object.entries(PAIRS)) {
  test(`${name} signs time and body with its private key`, () => {
    const one = signedCase(name);
    const { headers, body } = one.sent;
    assert.is(headers[time], SECONDS);
    const text = (headers[signature] ?? "").replace(/^v1a,/, "");
    const content = Buffer.concat([Buffer.from(prefix), body]);
    const hash = name === "sendgrid" ? "sha256" : null;
    assert.ok(verify(hash, content, publicKeyOf(one), Buffer.from(text, encoding)));
  });
}

test("mailgun signs time and token in the body", () => {
  const { keys, sent } = signedCase("mailgun");
  const { signature } = JSON.parse(Buffer.from(sent.body).toString()) as {
    signature: { timestamp: string; token: string; signature: string };
  };
  assert.is(signature.timestamp, SECONDS);
  assert.is(signature.signature, mac("sha256", "hex", keys.signing, SECONDS, signature.token));
});

test.run();

function publicKeyOf({ scheme, keys }: SignedCase): ReturnType<typeof createPublicKey> {
  const key = readSigningKey(scheme, keys.signing);
  if (key.kind !== "private") throw new Error("Cannot find the pair");
  return createPublicKey(key.key);
}
