import { suite } from "uvu";
import * as assert from "uvu/assert";
import { decodeBase64, decodeHex } from "../../lib/verify/decode.ts";

const test = suite("verify/decode");

test("hex of either case is read", () => {
  assert.equal([...(decodeHex("00fFa0", 3) ?? [])], [0, 255, 160]);
  assert.is(decodeHex("", 0)?.length, 0);
});

test("hex of another length, with other characters or spaces is refused", () => {
  for (const text of [
    "",
    "00ff",
    "00ffa",
    "00ffa000",
    "0xffa0",
    "00ffg0",
    "00ffa ",
    " 00ffa",
    "00ffa\n",
    "００ffa0",
  ]) {
    assert.is(decodeHex(text, 3), null, JSON.stringify(text));
  }
});

test("hex of any length is whole bytes", () => {
  assert.equal([...(decodeHex("00ff", null) ?? [])], [0, 255]);
  for (const text of ["0", "00f", "0g"]) assert.is(decodeHex(text, null), null, text);
});

test("base64 is read at every length of its last group", () => {
  // RFC 4648, section 10
  const cases: [string, string][] = [
    ["f", "Zg=="],
    ["fo", "Zm8="],
    ["foo", "Zm9v"],
    ["foob", "Zm9vYg=="],
    ["foobar", "Zm9vYmFy"],
  ];
  for (const [plain, text] of cases) {
    for (const byteCount of [plain.length, null])
      assert.is(String(decodeBase64(text, byteCount)), plain, `${byteCount}`);
  }
  assert.equal([...(decodeBase64("+/+/", 3) ?? [])], [0xfb, 0xff, 0xbf]);
});

test("a second spelling of the same bytes is refused", () => {
  const cases: [string, number][] = [
    ["Zg", 1], // no padding
    ["Zg=", 1],
    ["Zh==", 1], // bits that are not read
    ["Zm9=", 2],
    ["Zm8 ", 2],
    [" Zm8", 2],
    ["Zm9v\n", 3],
    ["-_-_", 3], // URL alphabet
    ["Z=8=", 2],
    ["====", 1],
    ["Zm9v", 2], // another length
    ["Zg==", 2],
    ["Zg==", 3],
  ];
  for (const [text, byteCount] of cases) assert.is(decodeBase64(text, byteCount), null, JSON.stringify(text));
});

test.run();
