import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Scheme } from "../../lib/scheme.ts";
import { builtInScheme } from "../../lib/schemes/mod.ts";
import { secretKind, secretOddities } from "../../lib/schemes/secret-checks.ts";
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
    "EAAGc4n4ryc4n4ryc4n4ryc4",
    "shpat_c4n4ry",
    "ghp_c4n4ry",
    "github_pat_c4n4ry",
    "glpat-c4n4ry",
    "SG.c4n4ryc4n4ry",
    "lin_api_c4n4ry",
    "EAAAc4n4ry",
    "sq0csp-c4n4ry",
    "sk-c4n4ry",
  ]) {
    const text = secretOddities(scheme("github"), secret).join();
    assert.match(text, /looks like .*, which signs no webhooks/, secret);
    assert.not.match(text, "c4n4ry");
  }
});

test("a Standard Webhooks secret of too few bytes or too many is told with its length", () => {
  for (const bytes of [1, 23, 65])
    assert.match(secretOddities(scheme("svix"), whsec(bytes)).join(), `stands for ${bytes} bytes`);
  assert.match(secretOddities(scheme("gitlab"), whsec(8)).join(), "stands for 8 bytes");
});

test.run();
