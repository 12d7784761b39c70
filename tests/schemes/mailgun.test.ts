import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Signed } from "../../lib/scheme.ts";
import { mailgun } from "../../lib/schemes/mailgun.ts";

const test = suite("schemes/mailgun");

function contents(value: unknown, timestamp = "1793606400"): unknown {
  return (mailgun.signed as Signed).contents({
    method: "POST",
    url: "",
    contentType: "application/json",
    body: new Uint8Array(),
    timestamp,
    id: "",
    value,
  });
}

test("time and token are signed, and nothing else", () => {
  for (const token of [
    "0123456789abcdef",
    "a".repeat(50),
    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "0".repeat(128),
    "5egbgr1vjgqxtrnp65xfznchgdccwh5d6i09vijqi3whgowmn6",
    "Z_".repeat(8),
  ])
    assert.equal(contents({ signature: { token } }), [["1793606400", token]], token);
});

test("a token of another form is signed by nobody, so that time and token have one seam", () => {
  for (const token of [
    "",
    "0123456789abcde",
    "0".repeat(129),
    `${"a".repeat(50)}\n`,
    `.${"a".repeat(50)}`,
    ` ${"a".repeat(50)}`,
    `\u00e4${"a".repeat(50)}`,
    null,
    {},
    ["a".repeat(50)],
  ])
    assert.equal(contents({ signature: { token } }), [], JSON.stringify(token));
  for (const value of [undefined, null, [], "text", {}, { signature: null }, { token: "a".repeat(50) }])
    assert.equal(contents(value), []);
});

test.run();
