import { createHash } from "node:crypto";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { encodeText } from "../../lib/json.ts";
import { tryParseBody } from "../../lib/parse-body.ts";
import type { Signed } from "../../lib/scheme.ts";
import { twilio } from "../../lib/schemes/twilio.ts";
import { joined } from "../../lib/verify/holds.ts";
import { read } from "../../lib/verify/read.ts";

const test = suite("schemes/twilio");

const FORM = "application/x-www-form-urlencoded";
const CALLED = "https://a.example/sms";

/** Every text that the signature may be made of. */
function contents(body: string | Uint8Array, contentType: string = FORM, url: string = CALLED): string[] {
  const bytes = typeof body === "string" ? encodeText(body) : body;
  const given = { method: "POST", url, contentType, body: bytes, timestamp: "", id: "", value: undefined };
  return (twilio.signed as Signed).contents(given).map((chunks) => Buffer.from(joined(chunks)).toString());
}

const FORMS: [body: string, text: string][] = [
  ["", ""],
  ["B=2&A=1", "A1B2"],
  ["a=1&B=2&A=3", "A3B2a1"],
  ["A=b&A=a", "AaAb"],
  ["A=a&A=a", "Aa"],
  ["A=&B", "AB"],
  ["A=+%2B%20&B=%26%3D", "A + B&="],
  ["Z=\u{1F389}&\uFF21=1", "Z\u{1F389}\uFF211"],
  ["__proto__=1&constructor=2", "__proto__1constructor2"],
];

for (const [body, text] of FORMS) {
  test(`the form ${JSON.stringify(body)} is signed as ${JSON.stringify(text)}`, () => {
    assert.ok(contents(body).includes(CALLED + text));
  });
}

test("names are in the order of their UTF-16 units, as the vendor's own library sorts them", () => {
  assert.ok(contents("\uFF21=1&\u{1F389}=2").includes(`${CALLED}\u{1F389}2\uFF211`));
});

test("a body that is no form, or too much of one, is signed by nobody", () => {
  assert.equal(contents(Uint8Array.from([0x61, 0x3d, 0xff])), []);
  assert.equal(contents("a&".repeat(2_000)), []);
});

const PORTS: [url: string, also: string | null][] = [
  ["https://a.example/b", "https://a.example:443/b"],
  ["https://a.example:443/b?c=1", "https://a.example/b?c=1"],
  ["http://a.example/b", "http://a.example:80/b"],
  ["http://a.example:443/b", "http://a.example/b"],
  ["https://a.example:8443/b", "https://a.example/b"],
  ["https://a.example", "https://a.example:443"],
  ["https://a.example?b=1", "https://a.example:443?b=1"],
  ["https://[::1]/b", "https://[::1]:443/b"],
  ["ftp://a.example/b", null],
];

for (const [url, also] of PORTS) {
  test(`${url} is tried as ${also ?? "nothing else"}, too`, () => {
    const tried = contents("A=1", FORM, url).map((text) => text.replace(/A1$/, ""));
    assert.equal(tried.sort(), [url, ...(also === null ? [] : [also])].sort());
  });
}

test("a quote in the query is tried as it is written and as its escape stands for it", () => {
  const tried = contents("A=1", FORM, "https://a.example/b?c=it%27s");
  assert.equal(
    tried.map((text) => text.replace(/A1$/, "")),
    ["it%27s", "it%27s", "it's", "it's"].map(
      (c, index) => `https://a.example${index % 2 === 0 ? "" : ":443"}/b?c=${c}`,
    ),
  );
});

test("a body in JSON is signed by its hash in the URL alone", () => {
  const body = '{"a":1}';
  const hash = createHash("sha256").update(body).digest("hex");
  for (const query of [
    `bodySHA256=${hash}`,
    `a=1&bodySHA256=${hash.toUpperCase()}`,
    `bodySHA256=${hash}&a=?`,
  ])
    assert.ok(contents(body, "application/json", `${CALLED}?${query}`).includes(`${CALLED}?${query}`), query);
  for (const query of [
    "",
    "bodySHA256=",
    "a=1",
    `bodySHA256=${hash}0`,
    `bodySHA256=${hash}&bodySHA256=${hash}`,
  ])
    assert.equal(contents(body, "application/json", `${CALLED}?${query}`), [], query);
  assert.equal(contents(body, "application/json", CALLED), []);
  assert.equal(contents(`${body} `, "application/json", `${CALLED}?bodySHA256=${hash}`), []);
});

test("an id is a message in a state or a call in one, and a recording's has none", () => {
  const id = (body: string, token = ""): string | null => {
    const headers = new Headers(token === "" ? {} : { "i-twilio-idempotency-token": token });
    const value = tryParseBody(encodeText(body), FORM);
    const delivery = { headers, headerName: (name: string) => name, value, bodyHash: () => new Uint8Array() };
    return read(twilio.id, delivery)?.text ?? null;
  };
  assert.is(id("MessageSid=SM1&MessageStatus=sent", "tok"), "tok");
  assert.is(id("MessageSid=SM1&MessageStatus=sent"), "SM1.sent");
  assert.is(id("MessageSid=SM1&Body=hello"), "SM1");
  assert.is(id("CallSid=CA1&CallStatus=completed"), "completed.CA1");
  assert.is(id("CallSid=CA1&RecordingSid=RE1"), null);
  assert.is(id("Digits=1"), null);
});

test.run();
