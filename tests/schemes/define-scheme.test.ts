import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Scheme, SchemeOptions } from "../../lib/scheme.ts";
import { defineScheme, resolveScheme } from "../../lib/schemes/define-scheme.ts";
import { builtInScheme, builtInSchemeNames } from "../../lib/schemes/mod.ts";

const test = suite("schemes/define-scheme");

const acme: Scheme = { algorithm: "hmac-sha256", signature: { header: "x-acme", encoding: "hex" } };

test("a whole record is the scheme", () => {
  assert.equal(defineScheme(acme), acme);
});

test("every built-in scheme can be extended, and without changes is the same", () => {
  for (const name of builtInSchemeNames())
    assert.equal(defineScheme({ extends: name }), builtInScheme(name), name);
});

test("a part that is given takes the place of the whole part, and the others stay", () => {
  const slow = defineScheme({
    extends: "paddle",
    timestamp: { from: { part: "ts" }, unit: "s", toleranceMs: 5_000 },
  });
  assert.equal(slow.timestamp, { from: { part: "ts" }, unit: "s", toleranceMs: 5_000 });
  const { timestamp: _, ...others } = slow;
  const { timestamp: __, ...expected } = builtInScheme("paddle") as Scheme;
  assert.equal(others, expected);
  assert.equal(defineScheme({ extends: "github", type: { body: "kind" } }).type, { body: "kind" });
  assert.is(builtInScheme("paddle")?.timestamp?.toleranceMs, undefined);
});

test("what was changed is checked together with what was taken over", () => {
  const cases: [options: unknown, message: RegExp][] = [
    [{ extends: "stripe", signed: "{body}" }, /a time that is not signed proves nothing/],
    [{ extends: "telegram", algorithm: "hmac-sha256" }, /belongs to the algorithm "token"/],
    [
      { extends: "github", signature: { header: "x-github-delivery", encoding: "hex" } },
      /cannot be the id or the type/,
    ],
    [{ extends: "discord", key: "text" }, /a public key needs key/],
    [{ extends: "github", nonce: true }, /acme\.nonce/],
  ];
  for (const [options, message] of cases) assert.throws(() => resolveScheme("acme", options), message);
});

test("a name that no scheme has is refused with the nearest, and an inherited one is no scheme", () => {
  const message = (from: unknown): string => {
    try {
      resolveScheme("acme", { extends: from });
    } catch (error) {
      if (error instanceof TypeError) return error.message;
    }
    return "taken";
  };
  assert.match(
    message("githb"),
    'Cannot use schemes.acme.extends: no scheme has this name; the nearest is "github"',
  );
  for (const from of ["", "constructor", "__proto__", "default", 7, null, undefined, {}, "acme"])
    assert.match(
      message(from),
      /^Cannot use schemes\.acme\.extends: no scheme has this name; /,
      String(from),
    );
});

test("what is no record is refused by its name", () => {
  for (const value of [undefined, null, 7, "github", []])
    assert.throws(() => resolveScheme("acme", value), /^Cannot use schemes\.acme/);
  assert.throws(() => defineScheme({} as SchemeOptions), /^Cannot use schemes\.defineScheme\.algorithm/);
});

test.run();
