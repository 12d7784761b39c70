import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Scheme } from "../../lib/scheme.ts";
import { builtInSchemeNames } from "../../lib/schemes/mod.ts";
import {
  bodies,
  headers,
  type Mutation,
  secrets,
  shifts,
  signatures,
  times,
  urls,
} from "../support/mutations.ts";
import { otherAlgorithms } from "../support/other-algorithms.ts";
import { signsUrl } from "../support/payloads.ts";
import {
  type Checked,
  MORE_NAMES,
  outcomeOf,
  SIGNED_AT,
  type SignedCase,
  signatureOf,
  signatureText,
  signedCase,
  withSignature,
  withText,
} from "../support/signed-case.ts";

const test = suite("schemes/mutations");
const names = [...builtInSchemeNames(), ...MORE_NAMES];
const cases: ReadonlyMap<string, SignedCase> = new Map(names.map((name) => [name, signedCase(name)]));

for (const [name, one] of cases) {
  const { scheme } = one;
  const isToken = scheme.algorithm === "token";
  // What is signed of Mailgun and Twilio is less than the bytes, and has tables of its own in own-mutations.
  const coversBytes = !isToken && name !== "mailgun" && name !== "twilio";

  test(`${name}: what was sent holds`, () => {
    assert.is(outcomeOf(name, one.sent), "holds");
    assert.is(outcomeOf(name, withSignature(one, signatureOf(one))), "holds");
  });

  test(`${name}: no other signature holds in its place`, () => refuseAll(one, signatures(one)));

  test(`${name}: no other header around the signature holds`, () => refuseAll(one, headers(one)));

  test(`${name}: under another secret nothing holds`, () => refuseAll(one, secrets(one, cases)));

  if (coversBytes) {
    test(`${name}: no other body holds`, () => refuseAll(one, bodies(one)));
  }
  if (!isToken) {
    test(`${name}: another algorithm's signature of the same length does not hold`, () =>
      refuseAll(one, otherAlgorithms(one)));
  }
  if (scheme.timestamp !== undefined) {
    test(`${name}: neither an old signature holds, nor a future one, nor one with another time`, () => {
      refuseAll(one, times(one));
      const tolerance = scheme.timestamp?.toleranceMs ?? 300_000;
      for (const off of [-tolerance, tolerance])
        assert.is(outcomeOf(name, { ...one.sent, now: SIGNED_AT + off }), "holds");
    });
  }
  if (hasTimeBesideBody(scheme)) {
    test(`${name}: no byte moves between the time and the body`, () => refuseAll(one, shifts(one)));
  }
  if (signsUrl(scheme)) {
    test(`${name}: no other URL holds`, () => refuseAll(one, urls(one)));
  }
}

test("what one provider has signed holds at no other, whatever the header is called", () => {
  for (const [from, { scheme: signer, sent }] of cases) {
    for (const [to, { scheme, sent: own }] of cases) {
      if (from === to) continue;
      // As it came, and with its signature and its time where this provider has them.
      const foreign = { ...sent, url: own.url, secrets: own.secrets };
      const merged = {
        ...foreign,
        headers: { ...own.headers, ...sent.headers },
        body: bodyFor(scheme, own, sent),
      };
      const renamed = withText(scheme, merged, signatureText(signer, sent));
      for (const changed of [foreign, renamed])
        assert.is.not(outcomeOf(to, changed), "holds", `${from} at ${to}`);
    }
  }
});

test.run();

/** Where the signature stands in the body, the foreign one needs a body that has the place. */
function bodyFor({ signature }: Scheme, own: Checked, foreign: Checked): Uint8Array {
  return signature.body === undefined ? foreign.body : own.body;
}

function refuseAll({ name }: SignedCase, mutations: Iterable<Mutation>): void {
  let count = 0;
  for (const [what, changed] of mutations) {
    count++;
    assert.is.not(outcomeOf(name, changed), "holds", `${name}: ${what}`);
  }
  assert.ok(count > 0);
}

/** True where the time stands beside the body, with a delimiter or without. */
function hasTimeBesideBody({ timestamp }: Scheme): boolean {
  return timestamp !== undefined && !("body" in timestamp.from);
}
