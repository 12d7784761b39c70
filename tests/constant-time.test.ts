import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isEqualInConstantTime, isSameToken, tokenDigest } from "../lib/constant-time.ts";

const test = suite("constant-time");

test("equal bytes are equal, and one bit or one byte of length makes a difference", () => {
  const cases: [number[], number[], boolean][] = [
    [[], [], true],
    [[1, 2, 3], [1, 2, 3], true],
    [[1, 2, 3], [1, 2, 2], false],
    [[1, 2, 3], [0, 2, 3], false],
    [[1, 2, 3], [1, 2], false],
    [[], [0], false],
  ];
  for (const [a, b, expected] of cases) {
    assert.is(isEqualInConstantTime(Uint8Array.from(a), Uint8Array.from(b)), expected, `${a} and ${b}`);
  }
});

test("a view is compared by what it shows, not by its whole buffer", () => {
  const buffer = Uint8Array.from([9, 1, 2, 9]);
  assert.ok(isEqualInConstantTime(buffer.subarray(1, 3), Uint8Array.from([1, 2])));
});

test("a token has its own digest, whichever of several it is", () => {
  const digests = [tokenDigest("the new token"), tokenDigest("the previous tökén")];
  assert.ok(isSameToken("the new token", digests));
  assert.ok(isSameToken("the previous tökén", digests));
  for (const other of ["", "the new toke", "the new token ", "the new tokenthe previous tökén"]) {
    assert.not.ok(isSameToken(other, digests), JSON.stringify(other));
  }
});

test("without any digest no token is right, the empty one neither", () => {
  assert.not.ok(isSameToken("", []));
});

test("a digest is the token's SHA-256", () => {
  const hex = Array.from(tokenDigest("abc"), (byte) => byte.toString(16).padStart(2, "0")).join("");
  assert.is(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); // FIPS 180-2, B.1
});

test.run();
