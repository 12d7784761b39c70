import { createHmac } from "node:crypto";
import fc from "fast-check";
import * as v from "valibot";
import { defineWorkflow } from "../../../lib/define-workflow.ts";
import type { LatchhookOptions } from "../../../lib/options.ts";
import type { Storage } from "../../../lib/repositories.ts";
import type { Algorithm, Scheme } from "../../../lib/scheme.ts";
import { generic } from "../../../lib/schemes/generic.ts";
import { AUTHORIZED } from "../../support/open-server.ts";
import { firstPage } from "../../support/stored.ts";

/** A request before it is bent out of shape; the body stands as bytes. */
export interface Draft {
  method: string;
  path: string;
  headers: readonly (readonly [name: string, value: string])[];
  body: Uint8Array<ArrayBuffer>;
}

/** Schemes of every kind: the id signed, unsigned or nowhere; hex and base64; each with a success of its own. */
const SCHEMES: Readonly<Record<string, Scheme>> = {
  acme: {
    algorithm: "hmac-sha512",
    signature: { header: "x-acme-mac", prefix: "v1=", encoding: "base64" },
    id: { body: "event.id" },
    type: { body: "event.kind" },
    answer: { status: 200, body: "empty" },
  },
  hub: {
    algorithm: "hmac-sha1",
    signature: { header: "x-hub-mac", prefix: "sha1=", encoding: "hex" },
    id: { header: "x-delivery" },
    type: { header: "x-kind" },
    answer: { status: 204 },
    bodyBytesMax: 300,
  },
  plain: { algorithm: "hmac-sha256", signature: { header: "x-plain-mac", encoding: "hex" } },
};

const ALL: ReadonlyMap<string, Scheme> = new Map([["generic", generic], ...Object.entries(SCHEMES)]);
const secretOf = (provider: string): string => `secret of ${provider}`;

/** What a Latchhook is opened with that these deliveries are for. */
export const OPTIONS: LatchhookOptions = {
  schemes: SCHEMES,
  secrets: Object.fromEntries([...ALL.keys()].map((name) => [name, secretOf(name)])),
  bodyBytesMax: 500,
  workflows: {
    any: defineWorkflow({ run: () => null }),
    strict: defineWorkflow({
      on: [{ provider: "acme" }, { provider: "generic" }],
      input: v.object({ amount: v.number() }),
      run: () => null,
    }),
  },
};

/** Few, so that copies and conflicts come about. */
const webhookId = fc.constantFrom("a", "a", "b", "b", "", null, 7, "x".repeat(256));
const VALUES = {
  generic: fc.record(
    {
      workflow_name: fc.constantFrom("any", "any", "any", "strict", "none", 7),
      inputs: fc.constantFrom({}, { amount: 7 }, { amount: 7 }, { amount: "7" }, []),
      webhook_id: webhookId,
    },
    { requiredKeys: ["workflow_name", "inputs"] },
  ),
  other: fc.record({
    event: fc.record({ id: webhookId, kind: fc.constantFrom("paid", 1) }),
    amount: fc.constantFrom(7, "7"),
  }),
};

/** The bytes of some JSON, whole or cut off. */
function bytesOf(value: fc.Arbitrary<unknown>): fc.Arbitrary<Uint8Array<ArrayBuffer>> {
  const cut = fc.oneof(
    { weight: 9, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.nat({ max: 40 }) },
  );
  return fc.tuple(value, cut).map(([json, count]) => {
    const bytes = Uint8Array.from(Buffer.from(JSON.stringify(json)));
    return bytes.subarray(0, Math.max(0, bytes.length - count));
  });
}

/** A delivery as its provider sends it, rightly signed; what it says need not fit. */
export const delivered: fc.Arbitrary<Draft> = fc
  .tuple(
    fc.constantFrom("generic", ...ALL.keys()),
    bytesOf(VALUES.generic),
    bytesOf(fc.oneof(VALUES.other, fc.jsonValue({ maxDepth: 2 }))),
    fc.constantFrom("a", "b", ""),
  )
  .map(([provider, own, other, id]) => {
    const body = provider === "generic" ? own : other;
    const headers = [["content-type", "application/json"], signatureHeader(provider, body)] as [
      string,
      string,
    ][];
    if (id !== "") headers.push([provider === "generic" ? "idempotency-key" : "x-delivery", id]);
    return { method: "POST", path: `/webhooks/${provider}`, headers, body };
  });

/** What an operator asks; `EVENT` and `RUN` stand for ids of what was stored last. */
export const asked: fc.Arbitrary<Draft> = fc
  .tuple(
    fc.constantFrom("GET", "HEAD", "POST", "DELETE", "PUT", "OPTIONS"),
    fc.constantFrom(
      "/health",
      "/ready",
      "/workflows",
      "/runs",
      "/runs?limit=0",
      "/runs?status=failed",
      "/runs/RUN",
      "/runs/RUN/retry",
      "/runs/RUN/cancel",
      "/events",
      "/events?cursor=x",
      "/events/EVENT",
      "/events/EVENT/replay",
      "/events/none",
      "/webhooks/none",
      "/",
      "/webhooks",
    ),
    fc.constantFrom("", "{}", '{"workflow_name":"any"}', '{"workflow_name":7}'),
    fc.constantFrom(AUTHORIZED, AUTHORIZED, { authorization: "Bearer wrong" }, {}),
  )
  .map(([method, path, text, more]) => {
    const headers = Object.entries({ "content-type": "application/json", ...more });
    return { method, path, headers, body: Uint8Array.from(Buffer.from(method === "POST" ? text : "")) };
  });

/** By OpenSSL alone. */
function signatureHeader(provider: string, body: Uint8Array): [name: string, value: string] {
  const { algorithm, signature } = ALL.get(provider) ?? generic;
  const digest = createHmac(algorithm.slice(5) as Algorithm, secretOf(provider)).update(body);
  const encoding = signature.encoding === "hex" ? "hex" : "base64";
  return [String(signature.header), (signature.prefix ?? "") + digest.digest(encoding)];
}

/** The status by which a provider's scheme accepts. */
export function successOf(provider: string): number {
  return ALL.get(provider)?.answer?.status ?? 202;
}

/** True where the headers hold a right signature of the body, in whichever way the scheme lets it be spelled. */
export function isSigned(provider: string, headers: Headers, body: Uint8Array): boolean {
  const [name, right] = signatureHeader(provider, body);
  const given = headers.get(name) ?? "";
  const { encoding, prefix = "", prefixOptional } = ALL.get(provider)?.signature ?? generic.signature;
  const spelled = encoding === "hex" ? given.toLowerCase() : given;
  // A prefix has a case of its own, and where it may be left out the rest is enough.
  const isWhole = spelled === right && given.startsWith(prefix);
  return isWhole || (prefixOptional === true && spelled === right.slice(prefix.length));
}

/** Ids of the events that were stored last, newest first. */
export async function lastEvents(storage: Storage, limit: number): Promise<string[]> {
  const page = await storage.listEvents({ ...firstPage, limit, provider: null, webhookId: null });
  return page.items.map((event) => event.eventId);
}
