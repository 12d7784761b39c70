import { suite } from "uvu";
import * as assert from "uvu/assert";
import { urlVariants } from "../../lib/doctor/url-variants.ts";

const test = suite("doctor/url-variants");

const PATH = "/webhooks/twilio";

function variants(url: string | null, headers: Record<string, string> = {}, target = PATH) {
  return [...urlVariants({ url, target, headers: new Headers(headers) })];
}

const cases: readonly [
  what: string,
  signed: string,
  given: Parameters<typeof variants>,
  publicUrl: string | null,
][] = [
  ["TLS that ends before us", `https://a.example${PATH}`, [`http://a.example${PATH}`], "https://a.example"],
  [
    "a port of the proxy",
    `https://a.example:8443${PATH}`,
    [`https://a.example${PATH}`, { host: "a.example:8443" }],
    "https://a.example:8443",
  ],
  [
    "a port that goes without saying",
    `https://a.example:443${PATH}`,
    [`https://a.example${PATH}`],
    "https://a.example:443",
  ],
  [
    "the host that was forwarded",
    `https://b.example${PATH}`,
    [`https://a.example${PATH}`, { "x-forwarded-host": "b.example, c" }],
    "https://b.example",
  ],
  ["no URL that is trusted", `https://b.example${PATH}`, [null, { host: "b.example" }], "https://b.example"],
  [
    "a prefix that was cut",
    `https://a.example/api${PATH}`,
    [`https://a.example${PATH}`, { "x-forwarded-prefix": "/api/" }],
    "https://a.example/api",
  ],
  [
    "a prefix that is set and not called",
    `https://a.example${PATH}`,
    [`https://a.example/v1${PATH}`],
    "https://a.example",
  ],
  ["a slash at the end", `https://a.example${PATH}/`, [`https://a.example${PATH}`], null],
  [
    "a target that was rewritten",
    "https://a.example/in?x=1",
    [`https://a.example${PATH}`, { "x-original-uri": "/in?x=1" }],
    null,
  ],
  [
    "a query that was added",
    `https://a.example${PATH}`,
    [`https://a.example${PATH}?x=1`, {}, `${PATH}?x=1`],
    null,
  ],
];
for (const [what, signed, given, publicUrl] of cases) {
  test(`${what}: the URL that was signed is among the first ten`, () => {
    const found = variants(...given);
    const at = found.findIndex(({ url }) => url === signed);
    assert.ok(at >= 0 && at < 10, `${at}: ${found.map(({ url }) => url).join(" ")}`);
    assert.is(found[at]?.publicUrl, publicUrl);
  });
}

test("a query is never shown, the known URL never tried, and none is tried twice", () => {
  const url = `https://a.example${PATH}?token=t0ken`;
  const found = variants(
    url,
    { host: "b.example", "x-original-uri": "/c?token=t0ken" },
    `${PATH}?token=t0ken`,
  );
  assert.not.match(JSON.stringify(found.map(({ shown, publicUrl }) => [shown, publicUrl])), /t0ken/);
  const urls = found.map((one) => one.url);
  assert.not.ok(urls.includes(url));
  assert.is(new Set(urls).size, urls.length);
});

test("headers that are no host, port or path are not tried", () => {
  const headers = {
    "x-forwarded-host": "a b",
    "x-forwarded-port": "80;",
    "x-forwarded-prefix": "api",
    "x-original-uri": "http://evil.example/",
    host: `${"a".repeat(300)}`,
  };
  const found = variants(`https://a.example${PATH}`, headers);
  for (const { url } of found)
    assert.match(url, /^https?:\/\/(?:www\.)?a\.example(?::\d+)?\/webhooks\/twilio\/?$/);
});

test.run();
