import { createPrivateKey } from "node:crypto";
import { standardWebhooks } from "../../lib/schemes/standard-webhooks.ts";
import { type Keys, keysFor } from "../support/keys.ts";

/** Loads one of the packages of package.json beside this file. */
// biome-ignore lint/suspicious/noExplicitAny: twenty libraries, of which each has types of its own
export type Load = (name: string) => Promise<any>;

/** A delivery as it goes over the wire. */
export interface OnWire {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A delivery before it is signed; `at` in epoch milliseconds. */
export type ToSign = Omit<OnWire, "headers"> & { readonly at: number };

/** What a provider's own library does with a delivery. */
export interface Vendor {
  readonly provider: string;
  readonly library: string;
  /** Where the provider has no library of its own, and the one that most people use is another's. */
  readonly isByOthers?: true;
  /** Where the form of the secret decides how the provider signs; without it, what the scheme takes. */
  readonly keys?: Keys;
  /** The headers that it would send; without it the library only verifies. */
  signs?(load: Load, given: ToSign, secret: string): Promise<Record<string, string>>;
  /** Whether it takes a delivery; by its own clock. */
  accepts(load: Load, sent: OnWire, keys: Keys): Promise<boolean>;
}

/** True unless the promise rejects, as most of them say it. */
async function isTaken(verified: Promise<unknown> | (() => unknown)): Promise<boolean> {
  try {
    const answer = await (typeof verified === "function" ? verified() : verified);
    return answer !== false;
  } catch {
    return false;
  }
}

const standardHeaders = (
  prefix: string,
  id: string,
  at: number,
  signature: string,
): Record<string, string> => ({
  [`${prefix}-id`]: id,
  [`${prefix}-timestamp`]: String(Math.floor(at / 1_000)),
  [`${prefix}-signature`]: signature,
});

const form = (body: string): Record<string, string | string[]> => {
  const fields: Record<string, string | string[]> = {};
  for (const [name, value] of new URLSearchParams(body)) {
    const before = fields[name];
    fields[name] = before === undefined ? value : [before, value].flat();
  }
  return fields;
};

/** The library of the Standard Webhooks specification. */
const specification: Pick<Vendor, "signs" | "accepts"> = {
  async signs(load, { body, at }, secret) {
    const { Webhook } = await load("standardwebhooks");
    return standardHeaders("webhook", "msg_1", at, new Webhook(secret).sign("msg_1", new Date(at), body));
  },
  async accepts(load, { headers, body }, { verifying }) {
    const { Webhook } = await load("standardwebhooks");
    return isTaken(() => new Webhook(verifying).verify(body, headers, { jsonParse: false }));
  },
};

export const VENDORS: readonly Vendor[] = [
  {
    provider: "standard-webhooks",
    library: "standardwebhooks",
    ...specification,
  },
  {
    // Its signing token follows the specification; GitLab has no library that verifies.
    provider: "gitlab",
    library: "standardwebhooks",
    isByOthers: true,
    keys: keysFor(standardWebhooks),
    ...specification,
  },
  {
    provider: "svix",
    library: "svix",
    async signs(load, { body, at }, secret) {
      const { Webhook } = await load("svix");
      return standardHeaders("svix", "msg_1", at, new Webhook(secret).sign("msg_1", new Date(at), body));
    },
    async accepts(load, { headers, body }, { verifying }) {
      const { Webhook } = await load("svix");
      return isTaken(() => new Webhook(verifying).verify(body, headers));
    },
  },
  {
    provider: "resend",
    library: "resend",
    async accepts(load, { headers, body }, { verifying }) {
      const { Resend } = await load("resend");
      const [id, timestamp, signature] = ["id", "timestamp", "signature"].map(
        (name) => headers[`webhook-${name}`],
      );
      const given = { payload: body, headers: { id, timestamp, signature }, webhookSecret: verifying };
      return isTaken(() => new Resend("re_none").webhooks.verify(given));
    },
  },
  {
    provider: "openai",
    library: "openai",
    async accepts(load, { headers, body }, { verifying }) {
      const { OpenAI } = await load("openai");
      return isTaken(new OpenAI({ apiKey: "none" }).webhooks.verifySignature(body, headers, verifying));
    },
  },
  {
    provider: "clerk",
    library: "@clerk/backend",
    async accepts(load, { url, headers, body }, { verifying }) {
      const { verifyWebhook } = await load("@clerk/backend/webhooks");
      // It sends and reads the names that Svix had first.
      const spelled = Object.entries(headers).map(([name, value]) => [
        name.replace("webhook-", "svix-"),
        value,
      ]);
      const request = new Request(url, { method: "POST", headers: spelled as [string, string][], body });
      return isTaken(verifyWebhook(request, { signingSecret: verifying }));
    },
  },
  {
    provider: "github",
    library: "@octokit/webhooks-methods",
    async signs(load, { body }, secret) {
      const { sign } = await load("@octokit/webhooks-methods");
      return { "x-hub-signature-256": await sign(secret, body), "x-github-delivery": "a-guid" };
    },
    async accepts(load, { headers, body }, { verifying }) {
      const { verify } = await load("@octokit/webhooks-methods");
      return isTaken(verify(verifying, body, headers["x-hub-signature-256"]));
    },
  },
  {
    provider: "stripe",
    library: "stripe",
    async signs(load, { body, at }, secret) {
      const { default: Stripe } = await load("stripe");
      const timestamp = Math.floor(at / 1_000);
      const given = { payload: body, secret, timestamp };
      return { "stripe-signature": new Stripe("sk_none").webhooks.generateTestHeaderString(given) };
    },
    async accepts(load, { headers, body }, { verifying }) {
      const { default: Stripe } = await load("stripe");
      return isTaken(() =>
        new Stripe("sk_none").webhooks.constructEvent(body, headers["stripe-signature"], verifying),
      );
    },
  },
  {
    provider: "slack",
    library: "@slack/bolt",
    async accepts(load, { headers, body }, { verifying }) {
      const { isValidSlackRequest } = await load("@slack/bolt");
      return isValidSlackRequest({ signingSecret: verifying, body, headers });
    },
  },
  {
    provider: "shopify",
    library: "@shopify/shopify-api",
    async signs(load, { body }, secret) {
      await load("@shopify/shopify-api/adapters/web-api");
      const { createSHA256HMAC } = await load("@shopify/shopify-api/runtime");
      return { "x-shopify-hmac-sha256": await createSHA256HMAC(secret, body) };
    },
    async accepts(load, { url, headers, body }, { verifying }) {
      await load("@shopify/shopify-api/adapters/web-api");
      const { shopifyApi, ApiVersion, LogSeverity } = await load("@shopify/shopify-api");
      const shopify = shopifyApi({
        apiKey: "none",
        apiSecretKey: verifying,
        hostName: "hooks.example.org",
        apiVersion: Object.values(ApiVersion)[0],
        isEmbeddedApp: false,
        logger: { level: LogSeverity.Error },
      });
      const others = { "x-shopify-topic": "orders/create", "x-shopify-api-version": "2026-10" };
      const all = { ...others, "x-shopify-shop-domain": "example.myshopify.com", ...headers };
      const rawRequest = new Request(url, { method: "POST", headers: all, body });
      return (await shopify.webhooks.validate({ rawBody: body, rawRequest })).valid;
    },
  },
  {
    provider: "twilio",
    library: "twilio",
    async signs(load, { url, body }, secret) {
      const { default: twilio } = await load("twilio");
      const fields = url.includes("bodySHA256=") ? {} : form(body);
      return { "x-twilio-signature": twilio.getExpectedTwilioSignature(secret, url, fields) };
    },
    async accepts(load, { url, headers, body }, { verifying }) {
      const { default: twilio } = await load("twilio");
      const signature = headers["x-twilio-signature"];
      return url.includes("bodySHA256=")
        ? twilio.validateRequestWithBody(verifying, signature, url, body)
        : twilio.validateRequest(verifying, signature, url, form(body));
    },
  },
  {
    provider: "discord",
    library: "discord-interactions",
    async accepts(load, { headers, body }, { verifying }) {
      const { verifyKey } = await load("discord-interactions");
      return verifyKey(body, headers["x-signature-ed25519"], headers["x-signature-timestamp"], verifying);
    },
  },
  {
    provider: "telegram",
    library: "grammy",
    isByOthers: true,
    async accepts(load, { url, headers, body }, { verifying }) {
      const { Bot, webhookCallback } = await load("grammy");
      const botInfo = { id: 1, is_bot: true, first_name: "none", username: "none" };
      const callback = webhookCallback(new Bot("1:none", { botInfo }), "std/http", {
        secretToken: verifying,
      });
      const answer: Response = await callback(new Request(url, { method: "POST", headers, body }));
      return answer.status === 200;
    },
  },
  {
    provider: "linear",
    library: "@linear/sdk",
    async accepts(load, { headers, body }, { verifying }) {
      const { LinearWebhookClient } = await load("@linear/sdk/webhooks");
      const { webhookTimestamp } = JSON.parse(body) as { webhookTimestamp: number };
      const client = new LinearWebhookClient(verifying);
      return isTaken(() => client.verify(Buffer.from(body), headers["linear-signature"], webhookTimestamp));
    },
  },
  {
    provider: "paddle",
    library: "@paddle/paddle-node-sdk",
    async accepts(load, { headers, body }, { verifying }) {
      const { Paddle } = await load("@paddle/paddle-node-sdk");
      return new Paddle("none").webhooks.isSignatureValid(body, verifying, headers["paddle-signature"]);
    },
  },
  {
    provider: "square",
    library: "square",
    async accepts(load, { url, headers, body }, { verifying }) {
      const { WebhooksHelper } = await load("square");
      const signatureHeader = headers["x-square-hmacsha256-signature"];
      const given = { requestBody: body, signatureHeader, signatureKey: verifying, notificationUrl: url };
      return WebhooksHelper.verifySignature(given);
    },
  },
  {
    provider: "razorpay",
    library: "razorpay",
    async accepts(load, { headers, body }, { verifying }) {
      const { default: Razorpay } = await load("razorpay");
      return Razorpay.validateWebhookSignature(body, headers["x-razorpay-signature"], verifying);
    },
  },
  {
    provider: "coinbase-commerce",
    library: "coinbase-commerce-node",
    async signs(load, { body }, secret) {
      const { default: commerce } = await load("coinbase-commerce-node");
      return { "x-cc-webhook-signature": commerce.Webhook.computeSignature(body, secret) };
    },
    async accepts(load, { headers, body }, { verifying }) {
      const { default: commerce } = await load("coinbase-commerce-node");
      const signature = headers["x-cc-webhook-signature"];
      return isTaken(() => commerce.Webhook.verifySigHeader(body, signature, verifying));
    },
  },
  {
    provider: "hubspot",
    library: "@hubspot/api-client",
    async signs(load, { url, body, at }, secret) {
      const { Signature } = await load("@hubspot/api-client");
      const given = { clientSecret: secret, url, requestBody: body, timestamp: at };
      const signature = Signature.getSignature("POST", "v3", given);
      return { "x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": String(at) };
    },
    async accepts(load, { url, headers, body }, { verifying }) {
      const { Signature } = await load("@hubspot/api-client");
      const timestamp = Number(headers["x-hubspot-request-timestamp"]);
      const signature = headers["x-hubspot-signature-v3"];
      const given = { clientSecret: verifying, url, requestBody: body, timestamp, signature };
      return isTaken(() => Signature.isValid({ ...given, method: "POST", signatureVersion: "v3" }));
    },
  },
  {
    provider: "notion",
    library: "@notionhq/client",
    async signs(load, { body }, secret) {
      const { signWebhookPayload } = await load("@notionhq/client");
      return { "x-notion-signature": await signWebhookPayload({ body, verificationToken: secret }) };
    },
    async accepts(load, { headers, body }, { verifying }) {
      const { verifyWebhookSignature } = await load("@notionhq/client");
      const signature = headers["x-notion-signature"];
      return verifyWebhookSignature({ body, signature, verificationToken: verifying });
    },
  },
  {
    provider: "sendgrid",
    library: "@sendgrid/eventwebhook",
    async signs(load, { body, at }, secret) {
      // It verifies with this one, which signs, too; its keys are in the form that curves had before PKCS #8.
      const { default: starkbank } = await load("starkbank-ecdsa");
      const key = createPrivateKey({ key: Buffer.from(secret, "base64"), format: "der", type: "pkcs8" });
      const pem = key.export({ format: "pem", type: "sec1" });
      const timestamp = String(Math.floor(at / 1_000));
      const signature = starkbank.Ecdsa.sign(timestamp + body, starkbank.PrivateKey.fromPem(pem));
      return {
        "x-twilio-email-event-webhook-timestamp": timestamp,
        "x-twilio-email-event-webhook-signature": signature.toBase64(),
      };
    },
    async accepts(load, { headers, body }, { verifying }) {
      const { EventWebhook } = await load("@sendgrid/eventwebhook");
      const webhook = new EventWebhook();
      const prefix = "x-twilio-email-event-webhook";
      const [signature, timestamp] = [headers[`${prefix}-signature`], headers[`${prefix}-timestamp`]];
      return webhook.verifySignature(webhook.convertPublicKeyToECDSA(verifying), body, signature, timestamp);
    },
  },
  {
    provider: "box",
    library: "box-node-sdk",
    async signs(load, { body, at }, secret) {
      const { computeWebhookSignature } = await load("box-node-sdk/lib/internal/utilsNode");
      const headers = {
        "box-delivery-timestamp": new Date(at).toISOString().replace(/\.\d+Z/, "+00:00"),
        "box-signature-version": "1",
        "box-signature-algorithm": "HmacSHA256",
      };
      return { ...headers, "box-signature-primary": await computeWebhookSignature(body, headers, secret) };
    },
    async accepts(load, { headers, body }, { verifying }) {
      const { WebhooksManager } = await load("box-node-sdk/lib/managers/webhooks");
      return WebhooksManager.validateMessage(body, headers, verifying, { secondaryKey: verifying });
    },
  },
];
