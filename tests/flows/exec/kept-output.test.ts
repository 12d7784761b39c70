import { suite } from "uvu";
import * as assert from "uvu/assert";
import { KeptOutput, OUTPUT_JSON_MAX } from "../../../lib/flows/exec/kept-output.ts";
import { secretHider } from "../../../lib/flows/secret-hider.ts";
import { encodeText } from "../../../lib/json.ts";

const test = suite("flows/exec/kept-output");

const SECRET = "SECRET-0123456789-abcdef";
const HEAD = 65_536;
const TAIL = 196_608;

function kept(text: string, chunk = text.length): string {
  const output = new KeptOutput();
  const bytes = encodeText(text);
  for (let at = 0; at < bytes.length; at += chunk) output.add(bytes.subarray(at, at + chunk));
  return output.text(secretHider([SECRET]));
}

for (const chunk of [1_000, 70_000, 10_000_000]) {
  test(`in chunks of ${chunk} bytes the beginning and the end are kept, and what is left out is counted`, () => {
    const text = Array.from({ length: 100_000 }, (_, line) => `line ${line}`).join("\n");
    const [head = "", left = "", tail = ""] = kept(text, chunk).split(/\n\[(\d+) bytes left out\]\n/);
    assert.is(Number(left), encodeText(text).length - HEAD - TAIL);
    assert.ok(text.startsWith(head) && text.endsWith(tail));
    // A part of a secret may stand beside the cut, so that as much is left out there.
    assert.is(head.length, HEAD - SECRET.length + 1);
    assert.is(tail.length, TAIL - SECRET.length + 1);
  });
}

test("what fits is kept whole, up to the last byte", () => {
  const whole = "ab".repeat((HEAD + TAIL) / 2);
  assert.is(kept(whole, 999), whole);
  assert.match(kept(`${whole}c`, 999), /\n\[1 bytes left out\]\n/);
});

test("control characters are left out where JSON makes them too long, and all that is left out is counted", () => {
  for (const bytes of [100_000, HEAD + TAIL, 400_000]) {
    const shown = kept("\u001b".repeat(bytes));
    assert.ok(JSON.stringify(shown).length <= OUTPUT_JSON_MAX);
    const [head = "", left = "", tail = ""] = shown.split(/\n\[(\d+) bytes left out\]\n/);
    // Beside a cut of the stream as much as a secret is left out without being counted.
    const unsure = bytes > HEAD + TAIL ? 2 * (SECRET.length - 1) : 0;
    assert.is(head.length + Number(left) + tail.length + unsure, bytes);
    assert.is(head.length, tail.length);
  }
});

test("no part of a secret is shown, wherever a cut falls into it", () => {
  for (let at = 0; at <= SECRET.length; at++) {
    for (const text of [
      `${"a".repeat(HEAD - at)}${SECRET}${"b".repeat(300_000)}`,
      `${"a".repeat(70_000)}${SECRET}${"b".repeat(TAIL - at)}`,
    ]) {
      const shown = kept(text);
      for (let start = 0; start + 3 <= SECRET.length; start++) {
        assert.not.match(shown, SECRET.slice(start, start + 3));
      }
    }
  }
});

test.run();
