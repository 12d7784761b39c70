import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Scheme } from "../../lib/scheme.ts";
import { box } from "../../lib/schemes/box.ts";
import { github } from "../../lib/schemes/github.ts";
import { gitlab } from "../../lib/schemes/gitlab.ts";
import { mailgun } from "../../lib/schemes/mailgun.ts";
import { standardWebhooks } from "../../lib/schemes/standard-webhooks.ts";
import { familyOf, secretHeaders, signatureHeaders } from "../../lib/verify/families.ts";

const test = suite("verify/families");

function nameIn(scheme: Scheme, names: readonly string[], name: string): string {
  return familyOf(scheme, new Headers(names.map((one) => [one, "x"])))(name);
}

test("the family is the first of which the signature's header is there", () => {
  const { families = [] } = standardWebhooks;
  assert.equal(families, ["webhook-", "svix-"]);
  for (const [names, expected] of [
    [["webhook-signature"], "webhook-id"],
    [["svix-signature"], "svix-id"],
    [["svix-signature", "webhook-signature"], "webhook-id"],
    [["svix-signature", "webhook-id", "webhook-timestamp"], "svix-id"],
    [["svix-id", "svix-timestamp"], "webhook-id"],
    [["Svix-Signature"], "svix-id"],
    [[], "webhook-id"],
  ] as const)
    assert.is(nameIn(standardWebhooks, names, "webhook-id"), expected, names.join());
});

test("a name without the prefix is the same in every family", () => {
  for (const name of ["content-type", "x-gitlab-event", "x-webhook-id"])
    assert.is(nameIn(standardWebhooks, ["svix-signature"], name), name);
});

test("without families every name is its own", () => {
  for (const name of ["x-hub-signature-256", "webhook-id", "svix-id"])
    assert.is(nameIn(github, ["svix-signature", "x-hub-signature-256"], name), name);
});

test("the headers of a signature are one, several or none", () => {
  assert.equal(signatureHeaders(github), ["x-hub-signature-256"]);
  assert.equal(signatureHeaders(box), ["box-signature-primary", "box-signature-secondary"]);
  assert.equal(signatureHeaders(mailgun), []);
});

test("the headers that may hold a secret are those of every family and of every form of secret", () => {
  assert.equal(secretHeaders(standardWebhooks), ["webhook-signature", "svix-signature"]);
  assert.equal(secretHeaders(gitlab), ["x-gitlab-token", "webhook-signature", "svix-signature"]);
  assert.equal(secretHeaders(box), ["box-signature-primary", "box-signature-secondary"]);
  assert.equal(secretHeaders(mailgun), []);
});

test.run();
