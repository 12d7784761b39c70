import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseAllowedHost } from "../../../lib/flows/http/allowed-hosts.ts";
import { followRedirect } from "../../../lib/flows/http/redirect.ts";

const test = suite("flows/http/redirect");

const credential = new Map([["x-key", { value: "k", isKeptElsewhere: false }]]);

/** Where a GET goes on, and whether its credential goes with it; or why it does not. */
function follow(from: string, location: string, allowHosts: readonly string[] | null): string {
  const hosts = allowHosts?.map(parseAllowedHost).filter((host) => host !== null) ?? null;
  const outgoing = { method: "GET", url: new URL(from), headers: credential, body: null };
  const answer = { status: 302, headers: { location }, body: new Uint8Array(0) };
  try {
    const { url, headers } = followRedirect(outgoing, answer, hosts);
    return `${url.href}${headers.size > 0 ? " with" : ""}`;
  } catch (error) {
    return (error as Error).message.replace(/^its redirect is refused: /, "");
  }
}

/** UTF-8 as Node reads it in a header: byte by byte. */
function latin1(text: string): string {
  return Buffer.from(text).toString("latin1");
}

const cases: [from: string, location: string, allowHosts: string[] | null, end: string][] = [
  ["https://a.example/b/c", "d?e#f", null, "https://a.example/b/d?e with"],
  ["https://a.example/b/c", "//b.example/d", null, "https://b.example/d"],
  ["https://a.example/", "https://a.example:443/b", null, "https://a.example/b with"],
  ["https://a.example/", "https://A.EXAMPLE/b", null, "https://a.example/b with"],
  ["https://a.example/", "https://a.example:8443/", null, "https://a.example:8443/"],
  ["http://a.example/", "https://a.example/b", null, "https://a.example/b"],
  // The usual step up to https is the same host, though its entry is nowhere.
  ["http://a.example/", "https://a.example/b", ["b.example"], "https://a.example/b"],
  [
    "http://a.example/",
    "https://a.example:8443/b",
    ["b.example"],
    "it leads to a host that is not in allow_hosts",
  ],
  [
    "http://a.example:8080/",
    "https://a.example/b",
    ["b.example"],
    "it leads to a host that is not in allow_hosts",
  ],
  ["https://a.example/", "https://b.example/", ["b.example"], "https://b.example/"],
  ["https://a.example/", "https://c.b.example/", ["*.b.example"], "https://c.b.example/"],
  [
    "https://a.example/",
    "https://b.example.evil.example/",
    ["b.example"],
    "it leads to a host that is not in allow_hosts",
  ],
  ["https://a.example/", "http://b.example/", ["b.example:80"], "it leads from https to http"],
  ["https://a.example/", latin1("/straße"), null, "https://a.example/stra%C3%9Fe with"],
  ["https://a.example/", "/stra\xdfe", null, "https://a.example/stra%C3%9Fe with"],
  ["https://a.example/", "/straße\u0100", null, "https://a.example/stra%C3%9Fe%C4%80 with"],
  ["https://a.example/", "\\\\b.example\\", ["c.example"], "it leads to a host that is not in allow_hosts"],
];
for (const [from, location, allowHosts, end] of cases) {
  test(`${from} to ${location} with ${JSON.stringify(allowHosts)}: ${end}`, () => {
    assert.is(follow(from, location, allowHosts), end);
  });
}

test.run();
