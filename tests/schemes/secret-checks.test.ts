import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Scheme } from "../../lib/scheme.ts";
import { builtInScheme } from "../../lib/schemes/mod.ts";
import { secretKind, secretOddities, withoutSpelling } from "../../lib/schemes/secret-checks.ts";
import { keysFor } from "../support/keys.ts";

const test = suite("schemes/secret-checks");

function scheme(name: string): Scheme {
  const found = builtInScheme(name);
  if (found === undefined) throw new Error(`Cannot find ${name}`);
  return found;
}

const whsec = (bytes: number): string => `whsec_${Buffer.alloc(bytes, 7).toString("base64")}`;

test("a secret is of the kind that its scheme, or its own form, makes it", () => {
  assert.is(secretKind(scheme("github"), "s"), "hmac");
  assert.is(secretKind(scheme("stripe"), "whsec_not-base64!"), "hmac");
  assert.is(secretKind(scheme("telegram"), "s"), "token");
  assert.is(secretKind(scheme("gitlab"), "s"), "token");
  assert.is(secretKind(scheme("gitlab"), whsec(32)), "hmac");
  assert.is(secretKind(scheme("svix"), whsec(32)), "hmac");
  for (const name of ["discord", "sendgrid"])
    assert.is(secretKind(scheme(name), keysFor(scheme(name)).verifying), "public");
  assert.throws(
    () => secretKind(scheme("gitlab"), "whsec_c4n4ry!"),
    (error: Error) => !/c4n4ry/.test(error.message),
  );
});

test("a secret that is as it should be is not odd", () => {
  for (const [name, secret] of [
    ["github", "It's a Secret to Everybody"],
    ["github", "with spaces inside and 'quotes' too"],
    ["stripe", "whsec_abc"],
    ["standard-webhooks", whsec(24)],
    ["standard-webhooks", whsec(64)],
    ["gitlab", "glpx-token"],
    ["openai", whsec(32)],
    ["stripe", `whsec_${"a".repeat(32)}`],
    ["paddle", "pdl_ntfset_01gkpjp8bkm3tm53kdgkx6sms7_6h3qd3uFSi9YCD3OLYAShQI90XTI5vEI"],
    ["linear", "lin_wh_aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789"],
    ["notion", "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"],
    ["shopify", "shpss_0123456789abcdef0123456789abcdef"],
    ["slack", "8f742231b10e8888abcd99yyyzzz85a5"],
    ["twilio", "0123456789abcdef0123456789abcdef"],
    // Square's keys, in both lengths and in their worst beginnings.
    ["square", "5mNjQm-1nSyJQPZUBYNwgA"],
    ["square", "EAAAQm-1nSyJQPZUBYNwgA"],
    ["square", "EAAGQmA1nSyJQPZUBYNwgA"],
    ["square", "sk-jQmA1nSyJQPZUBYN"],
    ["square", `EAAA${"aB3_".repeat(10)}`.slice(0, 43)],
    // What setWebhook takes: letters, digits, "_" and "-".
    ["telegram", "A-token_for-Telegram-0123456789"],
    ["telegram", "a".repeat(256)],
    ["gitlab", "a token of GitLab's, with spaces"],
    ["github", "ghost_of_a_secret"],
    ["github", "ghp_short"],
    ["github", "sk-ip"],
    ["github", "AC/DC"],
    ["github", "pat-a-cake"],
  ] as const)
    assert.equal(secretOddities(scheme(name), secret), [], secret);
});

test("white space and quotes around a secret are told, one line each at most", () => {
  for (const secret of [" s", "s ", "s\n", "\ts", "\uFEFFs", "\u00A0s", '"s"', "'s'", "`s`"]) {
    const oddities = secretOddities(scheme("github"), secret);
    assert.is(oddities.length, 1, JSON.stringify(secret));
    assert.match(oddities[0] ?? "", /white space or quotes around it/);
  }
  for (const secret of ["\"s'", "s'", '"', "'"])
    assert.equal(secretOddities(scheme("github"), secret), [], secret);
});

test("an API's key is told by its form, and none of it is repeated", () => {
  for (const secret of [
    "sk_live_c4n4ry",
    "rk_test_c4n4ry",
    "pk_live_c4n4ry",
    "rzp_live_c4n4ry",
    "xoxb-c4n4ry",
    `EAAGc4n4ry${"a".repeat(60)}`,
    "shpat_c4n4ry",
    `ghp_c4n4ry${"a".repeat(30)}`,
    `ghs_c4n4ry${"a".repeat(30)}`,
    "github_pat_c4n4ry",
    "glpat-c4n4ry",
    "SG.c4n4ryc4n4ry",
    "lin_api_c4n4ry",
    `EAAA_c4n4ry${"a".repeat(53)}`,
    "sq0csp-c4n4ry",
    "sandbox-sq0atb-c4n4ry",
    "sk-c4n4ryc4n4ryc4n4ryc4",
    "sk-proj-c4n4ryc4n4ryc4n4ryc4",
    "xapp-1-c4n4ry",
    "pdl_live_apikey_c4n4ry",
    "pdl_sdbx_apikey_c4n4ry",
    `12345678:c4n4ry${"a".repeat(29)}`,
    "AC0123456789abcdef0123456789abcdef",
    "SK0123456789abcdef0123456789abcdef",
    "pat-na1-c4n4ry",
    "ntn_c4n4ry",
  ]) {
    const text = secretOddities(scheme("github"), secret).join();
    assert.match(text, /looks like .*, which signs no webhooks/, secret);
    assert.not.match(text, "c4n4ry");
  }
});

test("white space in a public key is passed over, and so it is not told", () => {
  const { verifying } = keysFor(scheme("sendgrid"));
  const pem = `-----BEGIN PUBLIC KEY-----\n${verifying}\n-----END PUBLIC KEY-----\n`;
  for (const text of [verifying, `${verifying}\n`, pem]) {
    assert.is(secretKind(scheme("sendgrid"), text), "public");
    assert.equal(secretOddities(scheme("sendgrid"), text), []);
  }
});

test("one value has one text in all its spellings, and another value another", () => {
  const value = Buffer.alloc(32, 251).toString("base64");
  for (const spelled of [value, `whsec_${value}`, `v1,whsec_${value}`, `whpk_${value}`, ` ${value}\n`])
    assert.is(withoutSpelling(spelled), withoutSpelling(value), spelled);
  assert.is(withoutSpelling("ABCDEF"), withoutSpelling("abcdef"));
  for (const other of ["", `${value}a`, `x${value}`, `whsec-${value}`, value.slice(1)])
    assert.is.not(withoutSpelling(other), withoutSpelling(value), other);
});

test("a Standard Webhooks secret of too few bytes or too many is told with its length", () => {
  for (const bytes of [1, 23, 65])
    assert.match(secretOddities(scheme("svix"), whsec(bytes)).join(), `stands for ${bytes} bytes`);
  assert.match(secretOddities(scheme("gitlab"), whsec(8)).join(), "stands for 8 bytes");
});

test.run();
