import { suite } from "uvu";
import * as assert from "uvu/assert";
import { secretHider } from "../../lib/flows/secret-hider.ts";

const test = suite("flows/secret-hider");

const cases: [what: string, secrets: string[], text: string, hidden: string][] = [
  ["each place", ["s3cret-key"], "s3cret-key, and s3cret-key!", "[hidden], and [hidden]!"],
  ["a JSON text", ['a"b\nc\\d'], JSON.stringify({ key: 'a"b\nc\\d' }), '{"key":"[hidden]"}'],
  ["a query", ["a+b/c= d"], `GET /?${new URLSearchParams({ key: "a+b/c= d" })}`, "GET /?key=[hidden]"],
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
