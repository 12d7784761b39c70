import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isAllowedHost, parseAllowedHost } from "../../../lib/flows/http/allowed-hosts.ts";

const test = suite("flows/http/allowed-hosts");

const cases: [entry: string, url: string, isAllowed: boolean][] = [
  ["api.example.com", "https://api.example.com/a", true],
  ["API.Example.com", "https://api.example.com:443/a", true],
  ["api.example.com", "http://api.example.com/", false],
  ["api.example.com:80", "http://api.example.com/", true],
  ["api.example.com", "https://api.example.com:8443/", false],
  ["api.example.com:8443", "https://api.example.com:8443/", true],
  ["api.example.com:8443", "https://api.example.com/", false],
  ["api.example.com", "https://api.example.com.evil.example/", false],
  ["api.example.com", "https://evil-api.example.com/", false],
  ["api.example.com", "https://example.com/", false],
  ["*.example.com", "https://api.example.com/", true],
  ["*.example.com", "https://a.b.example.com/", true],
  ["*.example.com", "https://example.com/", false],
  ["*.example.com", "https://evilexample.com/", false],
  ["*.example.com", "https://example.com.evil.example/", false],
  ["*.example.com:8080", "http://a.example.com:8080/", true],
  ["127.0.0.1:8080", "http://127.0.0.1:8080/", true],
  ["127.0.0.1:8080", "http://2130706433:8080/", true],
  ["[::1]:8080", "http://[0:0::1]:8080/", true],
  ["*.münchen.example", "https://a.xn--mnchen-3ya.example/", true],
];
for (const [entry, url, isAllowed] of cases) {
  test(`${entry} ${isAllowed ? "has" : "has not"} ${url}`, () => {
    const host = parseAllowedHost(entry);
    assert.ok(host);
    assert.is(isAllowedHost(new URL(url), host === null ? [] : [host]), isAllowed);
  });
}

test.run();
