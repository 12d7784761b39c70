import { suite } from "uvu";
import * as assert from "uvu/assert";
import { calledUrl } from "../../lib/http/called-url.ts";
import { parseNetworks } from "../../lib/http/forwarded.ts";
import type { Incoming } from "../../lib/incoming.ts";
import type { Peer } from "../../lib/peer.ts";

const test = suite("http/called-url");

const PROXY = "10.0.0.7";
const trustedProxies = parseNetworks(["10.0.0.0/8", "2001:db8::7"]);

function peerOf(address: string): Peer {
  return { address, host: "localhost:7862", port: 7862 };
}

interface Given {
  url?: string;
  headers?: Readonly<Record<string, string>>;
  /** null for a request of a host app. */
  peer?: string | null;
  publicUrl?: string;
}

function called({
  url = "http://localhost/webhooks/square?a=1",
  headers = {},
  peer = PROXY,
  publicUrl,
}: Given) {
  const request = { method: "POST", url, headers: new Headers(headers) } as unknown as Incoming;
  return calledUrl(request, peer === null ? undefined : peerOf(peer), { publicUrl, trustedProxies });
}

const FORWARDED = { "x-forwarded-proto": "https", "x-forwarded-host": "called.example.org" };
const END = "/webhooks/square?a=1";

test("the public URL stands before path and query, whoever says what", () => {
  const publicUrl = "https://hooks.example.org:443/In";
  for (const peer of [PROXY, "192.0.2.1", null]) {
    for (const headers of [{}, FORWARDED, { host: "evil.example" }])
      assert.is(called({ publicUrl, peer, headers }), publicUrl + END);
  }
});

test("path and query are those that arrived, byte for byte, without a fragment", () => {
  for (const [url, end] of [
    ["http://localhost/a/b", "/a/b"],
    ["http://localhost/a?", "/a?"],
    ["http://localhost/a?b=%2f%2F+%20&b&&=?c=/d'\"<>", "/a?b=%2f%2F+%20&b&&=?c=/d'\"<>"],
    ["https://other.example:8443/a?b=http://c/d", "/a?b=http://c/d"],
    ["http://localhost/a?b#c?d", "/a?b"],
    ["http://localhost/a#c?d", "/a"],
    ["http://localhost", "/"],
  ] as const)
    assert.is(called({ url, publicUrl: "https://h.example" }), `https://h.example${end}`, url);
});

test("a trusted proxy says scheme and host", () => {
  assert.is(called({ headers: FORWARDED }), `https://called.example.org${END}`);
  assert.is(called({ headers: FORWARDED, peer: "2001:db8::7" }), `https://called.example.org${END}`);
  assert.is(
    called({ headers: { ...FORWARDED, "x-forwarded-proto": "http" } }),
    `http://called.example.org${END}`,
  );
});

test("where a trusted proxy names no host, its own Host counts, and its X-Forwarded-Host before that", () => {
  const headers = { host: "kept.example.org:8443", "x-forwarded-proto": "https" };
  assert.is(called({ headers }), `https://kept.example.org:8443${END}`);
  assert.is(called({ headers: { ...headers, ...FORWARDED } }), `https://called.example.org${END}`);
  // An empty one is no name, and not the same as none.
  assert.is(called({ headers: { ...headers, "x-forwarded-host": "" } }), null);
});

test("nobody else says anything: a stranger, a host app, a peer beside the network", () => {
  const headers = { host: "called.example.org", ...FORWARDED };
  for (const peer of ["192.0.2.1", "127.0.0.1", "11.0.0.7", "::1", "2001:db8::8", "", null])
    assert.is(called({ headers, peer }), null, String(peer));
});

const HOSTS = [
  "a",
  "A.Example",
  "a.example:1",
  "a_b.example",
  "[::1]",
  "[2001:db8::1]:8443",
  "192.0.2.1:80",
  "[::ffff:192.0.2.1]",
];
for (const host of HOSTS) {
  test(`${host} is a host, as it is spelled`, () => {
    assert.is(called({ headers: { ...FORWARDED, "x-forwarded-host": host } }), `https://${host}${END}`);
  });
}

const NO_HOSTS = [
  "a.example, b.example",
  "a.example,b.example",
  "a.example/b",
  "a.example?b",
  "a.example#b",
  "a.example\\b",
  "user@a.example",
  "a.example:",
  "a.example:123456",
  "a.example:80:80",
  "2001:db8::1",
  "[::1",
  "::1]",
  "[]",
  "[a.example]",
  "[fe80::1%25eth0]",
  '"a.example"',
  "a example",
  "m\u00fcll.example",
  "a".repeat(256),
];
for (const host of NO_HOSTS) {
  test(`${host.slice(0, 40)} is no host, and then no URL is known`, () => {
    assert.is(called({ headers: { ...FORWARDED, "x-forwarded-host": host } }), null);
    assert.is(called({ headers: { "x-forwarded-proto": "https", host } }), null);
  });
}

test("the scheme is http or https, once, in lower case; without one no URL is known", () => {
  for (const scheme of ["", "HTTPS", "https, http", "https,https", "ftp", "https:", "httpss", "wss"])
    assert.is(called({ headers: { ...FORWARDED, "x-forwarded-proto": scheme } }), null, scheme);
  const { "x-forwarded-proto": _, ...rest } = FORWARDED;
  assert.is(called({ headers: rest }), null);
});

test("Forwarded, and the other headers that proxies have, say nothing", () => {
  assert.is(called({ headers: { forwarded: "for=192.0.2.1;proto=https;host=called.example.org" } }), null);
  const other = {
    forwarded: "proto=http;host=evil.example",
    "x-forwarded-port": "8443",
    "x-forwarded-prefix": "/in",
    "x-forwarded-server": "evil.example",
    "x-forwarded-ssl": "off",
    "x-original-host": "evil.example",
    "x-original-url": "/evil",
    "x-forwarded-uri": "/evil",
  };
  assert.is(called({ headers: { ...FORWARDED, ...other } }), `https://called.example.org${END}`);
});

test.run();
