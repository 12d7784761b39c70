import { suite } from "uvu";
import * as assert from "uvu/assert";
import { faultsOfHttp } from "../../support/call-http.ts";

const test = suite("flows/http/check-http");

const around = { state: { host: "", id: "", url: "", x: "" }, env: { TOKEN: "s3cret" } };
const url = "https://api.example.com/";

const sound: [name: string, form: object][] = [
  ["a URL alone", { url }],
  ["lookups behind the host", { url: "https://api.example.com:8443/a/{state.id}?q={x}#{id}" }],
  [
    "a lookup in the host with hosts listed",
    { url: "https://{host}.example.com/", allow_hosts: ["*.example.com"] },
  ],
  [
    "a lookup behind the host with hosts listed",
    { url: "https://api.{x}/", allow_hosts: ["api.example.com"] },
  ],
  ["the whole URL", { url: "{state.url}", allow_hosts: ["api.example.com:8443", "[2606:4700::1111]:443"] }],
  ["the beginning of the URL", { url: "{env.TOKEN}/a/{id}?b", allow_hosts: ["api.example.com"] }],
  [
    "variables in all that is sent",
    { url: `${url}{env.TOKEN}`, headers: { a: "{env.TOKEN}" }, json: [{ a: "{env.TOKEN}" }] },
  ],
  ["a body of text", { url, method: "PUT", body: "{x} {env.TOKEN}", expect: [201, "4xx"] }],
  ["a status", { url, expect: 200, timeout: 0.5, redirects: 0 }],
  ["JSON of any kind", { url, json: null }],
  ["a private address that is meant", { url: "http://127.0.0.1:8080/", allow_private: true }],
  ["a delete with a body", { url, method: "DELETE", json: {} }],
];
for (const [name, form] of sound) {
  test(`sound: ${name}`, () => assert.equal(faultsOfHttp(form, around), []));
}

const form: [form: object, ...faults: RegExp[]][] = [
  [{}, /^url: /],
  [{ url: 1 }, /^url: give text/],
  [{ url, method: "get" }, /^method: give one of GET, HEAD, /],
  [{ url, method: "CONNECT" }, /^method: give one of/],
  [{ url, headers: { a: 1 } }, /^headers\.a: give text, in quotes/],
  [{ url, headers: "a: b" }, /^headers: give a mapping/],
  [{ url, headers: [] }, /^headers: give a mapping/],
  [{ url, expect: "200" }, /^expect: give "2xx", "3xx", "4xx" or "5xx"/],
  [{ url, expect: 99 }, /^expect: give a final status, 200 to 599/],
  [{ url, expect: 200.5 }, /^expect: give a status such as 201/],
  [{ url, expect: [] }, /^expect: give a status such as 201/],
  [{ url, expect: { from: 200 } }, /^expect: give a status such as 201/],
  [{ url, timeout: 0 }, /^timeout: give seconds, above 0 and at most 600/],
  [{ url, timeout: 601 }, /^timeout: give seconds/],
  [{ url, timeout: "30s" }, /^timeout: give seconds/],
  [{ url, redirects: 11 }, /^redirects: give a whole number from 0 to 10/],
  [{ url, redirects: 1.5 }, /^redirects: give a whole/],
  [{ url, redirects: true }, /^redirects: give a whole/],
  [{ url, allow_private: "yes" }, /^allow_private: give true or false/],
  [{ url, allow_hosts: "a.example" }, /^allow_hosts: give a list of hosts/],
  [{ url, allow_hosts: [] }, /^allow_hosts: give at least one host/],
  [{ url, allow_hosts: Array(101).fill("a.example") }, /^allow_hosts: give at most 100/],
  [{ url, params: {} }, /^params: /],
];
const beyond: typeof form = [
  [{ url: "" }, /^http\.url: Cannot use "" as http\.url: give a URL|begin with "https:/],
  [{ url: "api.example.com/a" }, /begin with "https:\/\/" or "http:\/\/"/],
  [{ url: "ftp://api.example.com/a" }, /begin with "https:\/\/"/],
  [{ url: "file:///etc/passwd" }, /begin with "https:\/\/"/],
  [{ url: "https:api.example.com" }, /begin with "https:\/\/"/],
  [{ url: "http{state.x}://api.example.com" }, /begin with "https:\/\/"/],
  [{ url: " https://api.example.com" }, /write a blank as "%20"/],
  [{ url: "https://api.example.com\\@evil.example/" }, /no line break or backslash/],
  [{ url: "https://api.exa\nmple.com/" }, /no line break or backslash/],
  [{ url: "https://api.example.com/a b" }, /write a blank as "%20"/],
  [{ url: "https://user:pass@api.example.com/" }, /user and password do not belong in a URL/],
  [{ url: "https://{state.x}@evil.example/", allow_hosts: ["a.example"] }, /user and password/],
  [{ url: "https://" }, /give a URL such as/],
  [{ url: "https:///a" }, /give a URL such as/],
  [{ url: "https://api.example.com:99999/" }, /give a URL such as/],
  [
    { url: "https://api.example.com{state.x}" },
    /^http\.url: Cannot use "https:\/\/api\.example\.com\{state\.x\}" as http\.url: \{state\.x\} could choose the host; begin the path with "\/" before it, or list the hosts/,
  ],
  [{ url: "https://api.example.com:{state.x}/" }, /\{state\.x\} could choose the host/],
  [{ url: "https://{state.host}/a" }, /\{state\.host\} could choose the host/],
  [{ url: "https://{env.TOKEN}/a" }, /\{env\.TOKEN\} could choose the host/],
  [
    { url: "{state.url}" },
    /\{state\.url\} could choose the host; list the hosts it may choose in allow_hosts/,
  ],
  [
    { url: "{state.url}.evil.example/", allow_hosts: ["a.example"] },
    /\{state\.url\} has to give scheme and host; go on with/,
  ],
  [{ url: "{state.url}{state.x}", allow_hosts: ["a.example"] }, /\{state\.url\} has to give scheme and host/],
  [{ url: "{state.host}://api.example.com/", allow_hosts: ["a.example"] }, /has to give scheme and host/],
  [{ url: "https://a.example/{state.nothing}" }, /^http\.url: Cannot read \{state\.nothing\}/],
  [{ url: "https://a.example/{env.OTHER}" }, /^http\.url: Cannot read \{env\.OTHER\}/],
  [{ url: "https://a.example/{" }, /^http\.url: Cannot read the template/],
  [{ url: "http://127.0.0.1/" }, /its address is loopback; set allow_private: true where that is meant/],
  [{ url: "http://2130706433/" }, /its address is loopback/],
  [{ url: "http://0x7f.1/" }, /its address is loopback/],
  [{ url: "http://localhost:8080/" }, /its address is loopback/],
  [{ url: "http://a.localhost/" }, /its address is loopback/],
  [{ url: "http://169.254.169.254/latest/meta-data" }, /its address is link-local/],
  [{ url: "http://[::1]/" }, /its address is loopback/],
  [{ url: "http://[::ffff:10.0.0.1]/" }, /its address is private/],
  [
    { url, headers: { Host: "a" } },
    /^http\.headers\.Host: Cannot use "Host" as a header: it is set for each request/,
  ],
  [{ url, headers: { VIA: "a" } }, /it is set for each request/],
  [{ url, headers: { "Content-Length": "1" } }, /it is set for each/],
  [{ url, headers: { "transfer-encoding": "chunked" } }, /it is set for each/],
  [{ url, headers: { Connection: "upgrade" } }, /it is set for each/],
  [{ url, headers: { "x y": "a" } }, /give letters, digits and "-"/],
  [{ url, headers: { "x:\r\ny": "a" } }, /give letters, digits/],
  [{ url, headers: { "{state.x}": "a" } }, /templates stand in values only/],
  [{ url, headers: { "X-A": "1", "x-a": "2" } }, /^http\.headers\.x-a: .*it is there twice/],
  [
    { url, headers: { "X-A": "1\r\nX-B: 2" } },
    /^http\.headers\.X-A: Cannot use the value .*printable ASCII without line breaks/,
  ],
  [{ url, headers: { "X-A": "{state.nothing}" } }, /^http\.headers\.X-A: Cannot read \{state\.nothing\}/],
  [{ url, json: { a: [{ b: "{state.nothing}" }] } }, /^http\.json\.a\.0\.b: Cannot read \{state\.nothing\}/],
  [{ url, body: "{" }, /^http\.body: Cannot read the template/],
  [{ url, json: {}, body: "" }, /^http\.body: Cannot use "" as http\.body: http\.json is the body already/],
  [{ url, method: "GET", json: {} }, /^http\.method: Cannot use "GET" as http\.method: it takes no body/],
  [{ url, method: "HEAD", body: "a" }, /^http\.method: .*it takes no body/],
  ...[
    "",
    "*",
    "*.",
    "https://a.example",
    "a.example/",
    "a.example:",
    "a.example:0x1",
    "a.example:99999",
    "a b",
    "user@a.example",
    "a.*.example",
    "{state.x}",
    "1.2.3.4.5",
  ].map((host): (typeof form)[number] => [
    { url, allow_hosts: ["b.example", host] },
    /^http\.allow_hosts\.1: Cannot use .* as http\.allow_hosts\[1\]: give a name such as/,
  ]),
  [
    { url: "https://{x}/", headers: { via: "1" }, body: "{" },
    /^http\.url: /,
    /^http\.headers\.via: /,
    /^http\.body: /,
  ],
];
for (const [value, ...faults] of [...form, ...beyond]) {
  test(`refused: ${JSON.stringify(value).slice(0, 100)}`, () => {
    const found = faultsOfHttp(value, around);
    assert.is(found.length, faults.length, found.join("\n"));
    for (const [index, pattern] of faults.entries()) assert.match(found[index] ?? "", pattern);
    assert.not.match(found.join(), "s3cret");
  });
}

test.run();
