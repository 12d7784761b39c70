import { suite } from "uvu";
import * as assert from "uvu/assert";
import { InvalidSignatureError } from "../../lib/errors.ts";
import { encodeText } from "../../lib/json.ts";
import type { Scheme } from "../../lib/scheme.ts";
import { builtInScheme, builtInSchemeNames } from "../../lib/schemes/mod.ts";
import { signatureHeaders } from "../../lib/verify/families.ts";
import { signDelivery } from "../../lib/verify/sign.ts";
import { Verifier } from "../../lib/verify/verify.ts";
import { PUBLISHED, type PublishedVector } from "../fixtures/published.ts";
import { evidence, evidenceTable, evidenceText } from "../support/evidence.ts";
import { keysFor } from "../support/keys.ts";

const test = suite("schemes/published");

for (const [index, vector] of PUBLISHED.entries()) {
  const { provider, source, secret, headers, body, url = null, now = 0 } = vector;
  const scheme = builtInScheme(provider) as Scheme;
  const delivery = { method: "POST", url, headers: new Headers(headers), body: encodeText(body) };
  const isRefused = (secrets: readonly string[], changed: string): void =>
    assert.throws(
      () => new Verifier(scheme, secrets).verify({ ...delivery, body: encodeText(changed) }, now),
      (error: unknown) => error instanceof InvalidSignatureError,
    );

  test(`${provider}, ${index}, holds: ${source}`, () => {
    const { other } = keysFor(scheme);
    assert.is(new Verifier(scheme, [other, secret]).verify(delivery, now).secretIndex, 1);
    isRefused([other], body);
    const { refused = [`${body} `, body.slice(1), body.toUpperCase()] } = vector;
    for (const changed of refused) isRefused([secret], changed);
  });

  if (!canBeMade(scheme, vector)) continue;
  test(`${provider}, ${index}, is what we make: ${source}`, () => {
    const contentType = headers["content-type"] ?? "application/json";
    const id = headers["webhook-id"] ?? headers["svix-id"] ?? null;
    const unsigned = { method: "POST", url, body: delivery.body, contentType, at: now, id, type: null };
    const sent = signDelivery(scheme, vector.signing ?? secret, unsigned);
    if (scheme.signature.body !== undefined) {
      assert.equal(JSON.parse(Buffer.from(sent.body).toString()), JSON.parse(body));
      return;
    }
    const [header = ""] = signatureHeaders(scheme);
    const published = headers[header] ?? headers[header.replace("webhook-", "svix-")] ?? "";
    const made = sent.headers[header] ?? "";
    // Where a provider sends several signatures, ours is the first of them.
    assert.is(published.slice(0, made.length), made);
    assert.is.not(made, "");
  });
}

test("what was published is made here, too, for each provider whose key and form allow it", () => {
  const made = PUBLISHED.filter((vector) => canBeMade(builtInScheme(vector.provider) as Scheme, vector));
  assert.equal([...new Set(made.map(({ provider }) => provider))].sort(), [
    "bitbucket",
    "cloudevents",
    "coinbase-commerce",
    "github",
    "hubspot",
    "jira",
    "mailgun",
    "meta",
    "openai",
    "paddle",
    "pagerduty",
    "razorpay",
    "slack",
    "square",
    "standard-webhooks",
    "twilio",
  ]);
});

test("every provider is in the table of evidence, and one without any is marked", () => {
  const known = evidence();
  assert.equal(
    known.map(({ provider }) => provider),
    builtInSchemeNames(),
  );
  const none = { isPublished: false, theirsToOurs: null, oursToTheirs: null, isByOthers: false };
  assert.is(evidenceText({ provider: "acme", ...none }), "our reading alone");
  assert.is(
    evidenceText({ provider: "acme", ...none, isPublished: true, oursToTheirs: "acme" }),
    "published, `acme`",
  );
  assert.is(
    evidenceText({ provider: "acme", ...none, oursToTheirs: "b", isByOthers: true }),
    "`b`, by others",
  );
  assert.is(evidenceTable().split("\n").length, known.length + 1);
});

test.run();
console.log(evidenceTable());

/** Not where the private key was not published, and not where we would write the time in another zone. */
function canBeMade({ algorithm, timestamp }: Scheme, { signing }: PublishedVector): boolean {
  if (timestamp?.unit === "rfc3339") return false;
  return algorithm.startsWith("hmac-") || algorithm === "token" || signing !== undefined;
}
