import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebhookError } from "../../lib/errors.ts";
import { AdminGate, type AdminGateOptions, isLocal } from "../../lib/http/auth.ts";
import { parseNetworks } from "../../lib/http/forwarded.ts";
import type { Peer } from "../../lib/peer.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { rejects } from "../support/rejects.ts";

const test = suite<{ clock: ManualClock }>("http/auth");
test.before.each((t) => {
  t.clock = new ManualClock();
});

const TOKEN = "a-token-of-24-characters";
const PREVIOUS = "the-previous-one-of-them";
const LOOPBACK: Peer = { address: "127.0.0.1", host: "localhost:7862", port: 7862 };
const REMOTE: Peer = { address: "192.0.2.1", host: "hooks.example.org", port: 7862 };

function request(headers: Record<string, string> = {}, url = "http://localhost:7862/runs"): Request {
  return new Request(url, { headers });
}

/** A request with headers that some runtimes keep from pages: the test would pass without them. */
function withHeaders(pairs: [string, string][]): Request {
  const made = new Request("http://localhost:7862/runs", { headers: new Headers(pairs) });
  for (const [name] of pairs) assert.ok(made.headers.has(name), `this runtime drops ${name}`);
  return made;
}

/** `passes`, or the code of the refusal. */
async function outcome(gate: AdminGate, given: Request, peer: Peer | undefined): Promise<string> {
  try {
    await gate.check(given, peer);
    return "passes";
  } catch (error) {
    if (error instanceof WebhookError) return error.code;
    throw error;
  }
}

function gateOf(clock: ManualClock, options: Partial<AdminGateOptions> = {}): AdminGate {
  return new AdminGate({ clock, tokens: [TOKEN, PREVIOUS], ...options });
}

const bearer = { authorization: `Bearer ${TOKEN}` };

const LOCAL: [name: string, headers: [string, string][], peer: Peer | undefined, expected: boolean][] = [
  ["curl on this machine", [["user-agent", "curl/8"]], LOOPBACK, true],
  ["IPv6", [], { address: "::1", host: "[::1]:7862", port: 7862 }, true],
  ["127.0.0.1", [], { ...LOOPBACK, host: "127.0.0.1:7862" }, true],
  ["LOCALHOST", [], { ...LOOPBACK, host: "LOCALHOST:7862" }, true],
  ["port 80 left out", [], { address: "127.0.0.1", host: "localhost", port: 80 }, true],
  [
    "our own page",
    [
      ["origin", "http://localhost:7862"],
      ["sec-fetch-site", "same-origin"],
    ],
    LOOPBACK,
    true,
  ],
  ["typed into the browser", [["sec-fetch-site", "none"]], LOOPBACK, true],
  ["a host app's request", [], undefined, false],
  ["another machine", [], { ...LOOPBACK, address: "192.0.2.1" }, false],
  ["no Host", [], { ...LOOPBACK, host: null }, false],
  ["empty Host", [], { ...LOOPBACK, host: "" }, false],
  ["another name, such as one rebound to us", [], { ...LOOPBACK, host: "evil.example:7862" }, false],
  ["a name that begins like ours", [], { ...LOOPBACK, host: "localhost.evil.example:7862" }, false],
  ["a name that ends like ours", [], { ...LOOPBACK, host: "evil-localhost:7862" }, false],
  ["user information", [], { ...LOOPBACK, host: "localhost@evil.example:7862" }, false],
  ["an address of this network", [], { ...LOOPBACK, host: "192.168.0.2:7862" }, false],
  ["0.0.0.0", [], { ...LOOPBACK, host: "0.0.0.0:7862" }, false],
  ["another port, such as a tunnel's", [], { ...LOOPBACK, host: "localhost:8080" }, false],
  ["no port", [], { ...LOOPBACK, host: "localhost" }, false],
  ["two hosts", [], { ...LOOPBACK, host: "localhost:7862, localhost:7862" }, false],
  ["Forwarded", [["forwarded", "for=192.0.2.1"]], LOOPBACK, false],
  ["X-Forwarded-For", [["x-forwarded-for", "127.0.0.1"]], LOOPBACK, false],
  ["X-Forwarded-Anything", [["x-forwarded-anything", "1"]], LOOPBACK, false],
  ["X-Real-IP", [["x-real-ip", "127.0.0.1"]], LOOPBACK, false],
  ["Via", [["via", "1.1 proxy"]], LOOPBACK, false],
  ["CF-Ray", [["cf-ray", "1"]], LOOPBACK, false],
  ["True-Client-IP", [["true-client-ip", "127.0.0.1"]], LOOPBACK, false],
  ["a signature", [["x-signature", "00"]], LOOPBACK, false],
  ["another scheme's signature, empty", [["x-hub-signature-256", ""]], LOOPBACK, false],
  ["a foreign page", [["origin", "http://evil.example"]], LOOPBACK, false],
  ["a page of another port", [["origin", "http://localhost:3000"]], LOOPBACK, false],
  ["a page without origin", [["origin", "null"]], LOOPBACK, false],
  ["cross-site", [["sec-fetch-site", "cross-site"]], LOOPBACK, false],
  ["same-site", [["sec-fetch-site", "same-site"]], LOOPBACK, false],
  ["two sites", [["sec-fetch-site", "same-origin, cross-site"]], LOOPBACK, false],
];

for (const [name, headers, peer, expected] of LOCAL) {
  test(`${name} is ${expected ? "local" : "not local"}`, () => {
    assert.is(isLocal(withHeaders(headers), peer, ["x-signature", "x-hub-signature-256"]), expected);
  });
}

test("the token or the previous one passes, from anywhere", async ({ clock }) => {
  const gate = gateOf(clock);
  for (const peer of [LOOPBACK, REMOTE, undefined]) {
    for (const authorization of [`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER  ${PREVIOUS}`]) {
      assert.is(await outcome(gate, request({ authorization }), peer), "passes", authorization);
    }
  }
});

test("no token, a wrong one and one in another place are unauthorized", async ({ clock }) => {
  const cases: [Record<string, string>, string?][] = [
    [{}],
    [{ authorization: "" }],
    [{ authorization: "Bearer" }],
    [{ authorization: "Bearer " }],
    [{ authorization: TOKEN }],
    [{ authorization: `Basic ${TOKEN}` }],
    [{ authorization: `Bearer ${TOKEN.slice(1)}` }],
    [{ authorization: `Bearer ${TOKEN}x` }],
    [{ authorization: `Bearer ${TOKEN.toUpperCase()}` }],
    [{ authorization: `Bearer ${TOKEN}, Bearer ${TOKEN}` }],
    [{ authorization: `Bearer ${TOKEN} ${TOKEN}` }],
    [{ "x-admin-token": TOKEN }],
    [{}, `http://localhost:7862/runs?token=${TOKEN}&access_token=${TOKEN}`],
  ];
  for (const [headers, url] of cases) {
    await clock.advance(2_000);
    assert.is(
      await outcome(gateOf(clock), request(headers, url), LOOPBACK),
      "unauthorized",
      JSON.stringify(headers),
    );
  }
});

test("without a token set every request is unauthorized, the empty token too", async ({ clock }) => {
  const gate = gateOf(clock, { tokens: [] });
  for (const authorization of ["Bearer undefined", "Bearer ", `Bearer ${TOKEN}`]) {
    assert.is(await outcome(gate, request({ authorization }), LOOPBACK), "unauthorized");
  }
});

test("in try-out mode a local request needs no token, and any other does", async ({ clock }) => {
  const gate = gateOf(clock, { tokens: [], isTryOut: true, signatureHeaders: ["x-signature"] });
  assert.is(await outcome(gate, request(), LOOPBACK), "passes");
  assert.is(await outcome(gate, request({ "x-forwarded-for": "127.0.0.1" }), LOOPBACK), "unauthorized");
  assert.is(await outcome(gate, request({ "x-signature": "00" }), LOOPBACK), "unauthorized");
  assert.is(await outcome(gate, request(), REMOTE), "unauthorized");
  assert.is(await outcome(gate, request(), undefined), "unauthorized");
  assert.is(await outcome(gateOf(clock), request(), LOOPBACK), "unauthorized", "not in try-out mode");
});

test("authorize decides in place of the token, and only true is yes", async ({ clock }) => {
  const answers: [unknown, string][] = [
    [true, "passes"],
    [Promise.resolve(true), "passes"],
    [false, "unauthorized"],
    [Promise.resolve(false), "unauthorized"],
    [undefined, "unauthorized"],
    [1, "unauthorized"],
    [new Response(null, { status: 401 }), "unauthorized"],
  ];
  for (const [answer, expected] of answers) {
    const gate = gateOf(clock, { authorize: () => answer as boolean });
    assert.is(await outcome(gate, request(), undefined), expected, String(answer));
  }
  const refusing = gateOf(clock, { authorize: () => false });
  assert.is(
    await outcome(refusing, request(bearer), undefined),
    "unauthorized",
    "the token does not count then",
  );
});

test("authorize that throws is not a yes", async ({ clock }) => {
  const gate = gateOf(clock, {
    authorize: () => {
      throw new Error("session store is away");
    },
  });
  await rejects(gate.check(request(bearer), LOOPBACK), /session store is away/);
});

const FOREIGN: [name: string, headers: [string, string][], peer: Peer | undefined, expected: string][] = [
  ["a foreign Origin", [["origin", "https://evil.example"]], REMOTE, "origin_foreign"],
  ["Origin null", [["origin", "null"]], REMOTE, "origin_foreign"],
  ["an empty Origin", [["origin", ""]], REMOTE, "origin_foreign"],
  ["Origin of another port", [["origin", "https://hooks.example.org:8443"]], REMOTE, "origin_foreign"],
  ["two Origins", [["origin", "https://hooks.example.org, https://evil.example"]], REMOTE, "origin_foreign"],
  ["an extension's Origin", [["origin", "chrome-extension://hooks.example.org"]], REMOTE, "origin_foreign"],
  ["cross-site", [["sec-fetch-site", "cross-site"]], REMOTE, "origin_foreign"],
  ["same-site", [["sec-fetch-site", "same-site"]], REMOTE, "origin_foreign"],
  [
    "X-Forwarded-Host is nobody's word",
    [
      ["origin", "https://e.example"],
      ["x-forwarded-host", "e.example"],
    ],
    REMOTE,
    "origin_foreign",
  ],
  ["same-origin", [["sec-fetch-site", "same-origin"]], REMOTE, "passes"],
  ["our Origin", [["origin", "http://hooks.example.org"]], REMOTE, "passes"],
  ["our Origin behind TLS", [["origin", "https://hooks.example.org"]], REMOTE, "passes"],
  [
    "our Origin with the scheme's port in Host",
    [["origin", "https://hooks.example.org"]],
    { ...REMOTE, host: "hooks.example.org:443" },
    "passes",
  ],
  ["the public URL's Origin", [["origin", "https://public.example"]], REMOTE, "passes"],
  ["the host app's own Origin", [["origin", "http://localhost:7862"]], undefined, "passes"],
  ["another Origin in a host app", [["origin", "http://localhost:3000"]], undefined, "origin_foreign"],
];

for (const [name, headers, peer, expected] of FOREIGN) {
  test(`${name}, with the right token: ${expected}`, async ({ clock }) => {
    const gate = gateOf(clock, { publicUrl: "https://public.example/hooks" });
    const given = withHeaders([...headers, ["authorization", `Bearer ${TOKEN}`]]);
    assert.is(await outcome(gate, given, peer), expected);
  });
}

test("a foreign page is refused in try-out mode, before anything else is asked", async ({ clock }) => {
  let isAsked = false;
  const authorize = () => {
    isAsked = true;
    return true;
  };
  const gate = gateOf(clock, { isTryOut: true, authorize });
  assert.is(
    await outcome(gate, withHeaders([["origin", "http://evil.example"]]), LOOPBACK),
    "origin_foreign",
  );
  assert.is(isAsked, false);
});

test("the eleventh failure within a second is too many, then even the right token, and then it is over", async ({
  clock,
}) => {
  const gate = gateOf(clock);
  for (let at = 0; at < 10; at++) assert.is(await outcome(gate, request(), REMOTE), "unauthorized");
  assert.is(await outcome(gate, request(bearer), REMOTE), "passes");
  assert.is(await outcome(gate, request(), REMOTE), "too_many_failures");
  assert.is(await outcome(gate, request(bearer), REMOTE), "too_many_failures");
  assert.is(await outcome(gate, request(bearer), { ...REMOTE, address: "192.0.2.2" }), "passes");
  await clock.advance(1_000);
  assert.is(await outcome(gate, request(), REMOTE), "unauthorized");
  assert.is(await outcome(gate, request(bearer), REMOTE), "passes");
});

test("behind a trusted proxy failures count by client, and others' headers do not move them", async ({
  clock,
}) => {
  const gate = gateOf(clock, { trustedProxies: parseNetworks(["10.0.0.0/8"]) });
  const proxy: Peer = { ...REMOTE, address: "10.0.0.1" };
  const from = (address: string) => request({ "x-forwarded-for": address });
  for (let at = 0; at < 11; at++) await outcome(gate, from(`198.51.100.${at}, 203.0.113.9`), proxy);
  assert.is(await outcome(gate, from("203.0.113.9"), proxy), "too_many_failures");
  assert.is(await outcome(gate, from("203.0.113.8"), proxy), "unauthorized");
  for (let at = 0; at < 11; at++) await outcome(gate, from(`198.51.100.${at}`), REMOTE);
  assert.is(await outcome(gate, from("198.51.100.99"), REMOTE), "too_many_failures");
});

test("where no peer is known strangers get 429 together and cannot lock the operator out", async ({
  clock,
}) => {
  const gate = gateOf(clock);
  const answers = [];
  for (let at = 0; at < 12; at++) answers.push(await outcome(gate, request(), undefined));
  assert.equal(answers, [...Array(10).fill("unauthorized"), "too_many_failures", "too_many_failures"]);
  assert.is(await outcome(gate, request(bearer), undefined), "passes");
});

test.run();
