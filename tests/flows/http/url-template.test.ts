import { suite } from "uvu";
import * as assert from "uvu/assert";
import { cutUrl, fillUrl } from "../../../lib/flows/http/url-template.ts";
import { parseTemplate } from "../../../lib/flows/template.ts";
import { isFatalError } from "../../../lib/workflow-errors.ts";
import { valuesOf } from "../../support/values.ts";

const test = suite("flows/http/url-template");

const fill = (url: string, x: unknown, y: unknown = "y"): string =>
  fillUrl(cutUrl(parseTemplate(url)), valuesOf({ x, y })).href;

const filled: [url: string, x: unknown, href: string][] = [
  ["https://a.example", 0, "https://a.example/"],
  ["https://a.example?q={x}", "1", "https://a.example/?q=1"],
  ["HTTPS://A.example/{x}", "B", "https://a.example/B"],
  ["https://a.example/items/{x}", "a/b?c#d&e=f", "https://a.example/items/a%2Fb%3Fc%23d%26e%3Df"],
  ["https://a.example/items/{x}/{y}", "../../admin", "https://a.example/items/..%2F..%2Fadmin/y"],
  ["https://a.example/{x}.json", "..", "https://a.example/...json"],
  ["https://a.example/{x}{y}", "..", "https://a.example/..y"],
  ["https://a.example/q?a={x}&b={y}", "1&b=2#", "https://a.example/q?a=1%26b%3D2%23&b=y"],
  ["https://a.example/?{x}", "..", "https://a.example/?.."],
  ["https://a.example/?q={x}", "", "https://a.example/?q="],
  ["https://a.example/{x}", "é ü", "https://a.example/%C3%A9%20%C3%BC"],
  ["https://a.example/{x}", "\r\nHost: b", "https://a.example/%0D%0AHost%3A%20b"],
  ["https://a.example/{x}", "\\..\\", "https://a.example/%5C..%5C"],
  ["https://a.example/{x}", "%2e%2e", "https://a.example/%252e%252e"],
  ["https://a.example/{x}", 7, "https://a.example/7"],
  ["https://a.example/{x}", { a: 1 }, "https://a.example/%7B%22a%22%3A1%7D"],
  ["https://a.example/a/../b/{x}", "c", "https://a.example/b/c"],
  ["https://a.example/a//{x}/", "c", "https://a.example/a//c/"],
  ["https://a.example/a#{x}", "c", "https://a.example/a"],
  ["https://{x}.example/", "a.b", "https://a.b.example/"],
  ["https://a.example:{x}/", "8443", "https://a.example:8443/"],
  ["https://a.example{x}", ".evil.example", "https://a.example.evil.example/"],
  ["{x}", "https://a.example/a/b?c=d", "https://a.example/a/b?c=d"],
  ["{x}/items/{y}", "https://a.example", "https://a.example/items/y"],
  ["{x}?q={y}", "https://a.example/p", "https://a.example/p?q=y"],
  ["{x}", "https://a.example/p?q=1#z", "https://a.example/p?q=1"],
];
for (const [url, x, href] of filled) {
  test(`${url} with ${JSON.stringify(x)} is ${href}`, () => assert.is(fill(url, x), href));
}

const refused: [url: string, x: unknown, message: RegExp, y?: unknown][] = [
  ["https://a.example/items/{x}", "..", /Cannot fill \{x\} of http\.url: it makes "\.\." a part of the path/],
  ["https://a.example/items/{x}/", ".", /makes "\." a part/],
  ["https://a.example/items/{x}", "", /makes nothing a part/],
  ["https://a.example/items/{x}?a", "..", /makes "\.\." a part/],
  ["https://a.example/items/.{x}/b", ".", /makes "\.\." a part/],
  ["https://a.example/items/%2e{x}/b", ".", /makes "\.\." a part/],
  ["https://a.example/items/{x}{y}", ".", /makes "\.\." a part/, "."],
  ["https://a.example/items/{x}%2E", ".", /makes "\.\." a part/],
  ["{y}/items/{x}", "..", /makes "\.\." a part/, "https://a.example"],
  ["https://a.example/{x}", "\ud800", /has half a character/],
  ["https://a.example/{x}", "a".repeat(9_000), /has over 8192 characters/],
  ["https://{x}/", "a/b", /Cannot fill \{x\} of http\.url: what it reads is not part of a host's name/],
  ["https://{x}/", "evil.example#", /not part of a host's name/],
  ["https://{x}.example.com/", "evil.example\\", /not part of a host's name/],
  ["https://{x}/", "user:pass@a", /not part of a host's name/],
  ["https://{x}/", "a%2eb", /not part of a host's name/],
  ["https://{x}/", "", /not part of a host's name/],
  ["https://a.example:{x}/", "99999", /no http or https URL/],
  ["{x}", "ftp://a.example", /not a URL that begins with/],
  ["{x}", "//a.example", /not a URL that begins with/],
  ["{x}", "javascript:alert(1)", /not a URL that begins with/],
  ["{x}", 7, /not a URL that begins with/],
  ["{x}", "https://a.example\\@b.example/", /not a URL that begins with/],
  ["{x}", "https://a.exam\nple/", /not a URL that begins with/],
  ["{x}", "https://a.example/\n", /and has no blank, line break or backslash$/],
  ["{x}/items", "https://a.example/#", /reads a URL with "\?" or "#" in it/],
  ["{x}/items", "https://a.example/?a", /reads a URL with "\?" or "#" in it/],
  ["{x}?q={y}", "https://a.example/?a=1", /reads a URL with "\?" or "#" in it/],
  ["{x}", "https://user:pass@a.example/", /without user and password/],
  ["{x}", "https://?a", /no http or https URL/],
];
for (const [url, x, message, y] of refused) {
  test(`${url} with ${JSON.stringify(x).slice(0, 30)} is refused and ends the run`, () => {
    assert.throws(
      () => fill(url, x, y),
      (error: Error) => isFatalError(error) && message.test(error.message) && !error.message.includes("evil"),
    );
  });
}

test.run();
