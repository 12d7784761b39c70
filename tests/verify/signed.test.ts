import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Signed, SignedParts } from "../../lib/scheme.ts";
import { joined } from "../../lib/verify/holds.ts";
import { parseSigned } from "../../lib/verify/signed.ts";

const test = suite("verify/signed");

const parts: SignedParts = {
  method: "POST",
  url: "https://a.example/b?c=1",
  contentType: "application/json",
  body: Uint8Array.from([0xff, 0x00, 0x7b]),
  timestamp: "1793606400",
  id: "msg_1",
  value: undefined,
};

function content(template: string): string {
  const [chunks = []] = parseSigned(template).contents(parts);
  return Buffer.from(joined(chunks)).toString("latin1");
}

test("a template is its text with the parts between, and the body's bytes stay as they are", () => {
  const body = "\xff\0{";
  assert.is(content("{body}"), body);
  assert.is(content("v0:{timestamp}:{body}"), `v0:1793606400:${body}`);
  assert.is(content("{id}.{timestamp}.{body}"), `msg_1.1793606400.${body}`);
  assert.is(content("{method}{url}{body}{timestamp}"), `POSThttps://a.example/b?c=1${body}1793606400`);
  assert.is(content("{body}{body}"), body + body);
  assert.is(content(".{body}."), `.${body}.`);
});

test("a part's own braces are not read again", () => {
  const [chunks = []] = parseSigned("{id}{body}").contents({ ...parts, id: "{url}" });
  assert.is(Buffer.from(joined(chunks)).toString("latin1"), "{url}\xff\0{");
});

test("the atoms are named, each once", () => {
  assert.equal(parseSigned("{body}{id}{body}").of, ["body", "id"]);
  assert.equal(parseSigned("{method}{url}{body}{timestamp}").of, ["method", "url", "body", "timestamp"]);
});

test("a function is taken as it is", () => {
  const given: Signed = { of: ["url"], contents: () => [] };
  assert.is(parseSigned(given), given);
});

test("an atom that does not exist is refused with those that do, and so is a template without the body", () => {
  for (const template of ["{host}{body}", "{}{body}", "{Body}", "{body} {constructor}"])
    assert.throws(() => parseSigned(template), /there are body, timestamp, id, url, method$/);
  for (const template of ["", "body", "{timestamp}", "{url}{id}"])
    assert.throws(() => parseSigned(template), /leaves the body unsigned/);
});

test.run();
