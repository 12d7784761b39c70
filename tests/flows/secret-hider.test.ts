import { suite } from "uvu";
import * as assert from "uvu/assert";
import { secretHider } from "../../lib/flows/secret-hider.ts";

const test = suite("flows/secret-hider");

const cases: [what: string, secrets: string[], text: string, hidden: string][] = [
  [
    "one of its lines",
    ["first line\r\n\tsecond line\n"],
    "> first line\n> second line",
    "> [hidden]\n> [hidden]",
  ],
  ["each place", ["s3cret-key"], "s3cret-key, and s3cret-key!", "[hidden], and [hidden]!"],
  ["a JSON text", ['a"b\nc\\d'], JSON.stringify({ key: 'a"b\nc\\d' }), '{"key":"[hidden]"}'],
  ["a query", ["a+b/c= d"], `GET /?${new URLSearchParams({ key: "a+b/c= d" })}`, "GET /?key=[hidden]"],
  [
    "a part of a URL",
    ["p@ss!wörd (1)'[2]"],
    `/a?k=${encodeURIComponent("p@ss!wörd (1)'[2]")} ${new URL("http://a/?k=p@ss!wörd (1)'[2]").search}`,
    "/a?k=[hidden] ?k=[hidden]",
  ],
  ["half a character", ["s3cret-\ud800"], "is s3cret-\ud800", "is [hidden]"],
  ["a text that was trimmed", [" s3cret-key\n"], "Bearer s3cret-key!", "Bearer [hidden]!"],
  [
    "JSON within JSON",
    ['a"b\nc\\d'],
    JSON.stringify({ k: JSON.stringify({ k: 'a"b\nc\\d' }) }),
    '{"k":"{\\"k\\":\\"[hidden]\\"}"}',
  ],
  ["JSON with escaped slashes", ["s3/cr/et"], '{"key":"s3\\/cr\\/et"}', '{"key":"[hidden]"}'],
  ["one that begins like another", ["secret", "secret-too"], "secret-too secret", "[hidden] [hidden]"],
  ["signs that mean something in a replacement", ["$&$1$`"], "is $&$1$`", "is [hidden]"],
  ["five characters, which are left alone", ["Paris"], "in Paris", "in Paris"],
  ["no secret at all", [], "as it is", "as it is"],
];
for (const [what, secrets, text, hidden] of cases) {
  test(`secrets are hidden in ${what}`, () => {
    assert.is(secretHider(secrets)(text), hidden);
  });
}

test.run();
