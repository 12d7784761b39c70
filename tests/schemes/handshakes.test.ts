import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Handshake } from "../../lib/handshake.ts";
import type { Scheme } from "../../lib/scheme.ts";
import { checkScheme } from "../../lib/schemes/check-scheme.ts";
import { builtInScheme, builtInSchemeNames } from "../../lib/schemes/mod.ts";
import { zoom } from "../../lib/schemes/zoom.ts";

const test = suite("schemes/handshakes");

const HUB: Handshake = {
  kind: "echo-query",
  challenge: "hub.challenge",
  token: "hub.verify_token",
  constants: { "hub.mode": "subscribe" },
};

/** What the providers' documents say, and no provider besides. */
const TABLE: Readonly<Record<string, readonly Handshake[]>> = {
  dropbox: [{ kind: "echo-query", challenge: "challenge" }],
  meta: [HUB],
  whatsapp: [HUB],
  messenger: [HUB],
  instagram: [HUB],
  slack: [{ kind: "echo-body", when: { type: "url_verification" }, challenge: "challenge" }],
  zoom: [
    {
      kind: "mac-body",
      when: { event: "endpoint.url_validation" },
      token: "payload.plainToken",
      answer: { token: "plainToken", mac: "encryptedToken" },
    },
  ],
  discord: [
    { kind: "ping", when: { type: 1 }, without: ["event"], status: 200, json: { type: 1 } },
    { kind: "ping", when: { type: 0 }, without: ["event"], status: 204 },
  ],
  xero: [{ kind: "ping", when: { events: [] }, status: 200 }],
  asana: [
    { kind: "receive-secret", from: { header: "x-hook-secret" } },
    { kind: "ping", when: { events: [] }, status: 200 },
  ],
  notion: [{ kind: "receive-secret", from: { body: "verification_token" } }],
  trello: [{ kind: "head" }],
  intercom: [{ kind: "head" }],
  cloudevents: [{ kind: "permission" }],
};

for (const name of builtInSchemeNames()) {
  test(`${name} has ${TABLE[name] === undefined ? "no handshake" : "the handshake that it documents"}`, () => {
    assert.equal(builtInScheme(name)?.handshakes ?? [], TABLE[name] ?? []);
  });
}

test("a scheme that extends one has its handshakes, unless it says otherwise", () => {
  const own: Scheme = { ...zoom, handshakes: [] };
  assert.equal(checkScheme("acme", own).handshakes, []);
  assert.equal(checkScheme("acme", zoom).handshakes, TABLE.zoom);
});

const mac = TABLE.zoom?.[0] as Handshake;
const WRONG: [name: string, scheme: unknown, message: RegExp][] = [
  ["no list", { ...zoom, handshakes: {} }, /handshakes: give a list/],
  [
    "an unknown kind",
    { ...zoom, handshakes: [{ kind: "echo" }] },
    /handshakes\.0\.kind: give a kind \(echo-query/,
  ],
  [
    "a body of which every one is a handshake",
    { ...zoom, handshakes: [{ kind: "ping", when: {}, status: 200 }] },
    /when: give one condition/,
  ],
  [
    "a 204 with a body",
    { ...zoom, handshakes: [{ kind: "ping", when: { type: 1 }, status: 204, json: {} }] },
    /204 has no body/,
  ],
  [
    "a list with something in it",
    { ...zoom, handshakes: [{ kind: "ping", when: { events: [1] }, status: 200 }] },
    /handshakes\.0\.when/,
  ],
  [
    "a parameter that is none",
    { ...zoom, handshakes: [{ kind: "echo-query", challenge: "a b" }] },
    /challenge: give a parameter/,
  ],
  [
    "a secret in a header with capitals",
    { ...zoom, handshakes: [{ kind: "receive-secret", from: { header: "X-Hook-Secret" } }] },
    /from\.header: give a header's name in lower case/,
  ],
  [
    "a MAC where the body alone is signed",
    { ...zoom, signed: "{timestamp}{body}", handshakes: [mac] },
    /mac-body/,
  ],
  [
    "a MAC where a token's characters stand between",
    { ...zoom, signed: "v0_{timestamp}-{body}" },
    /mac-body/,
  ],
  ["a MAC with a whsec_ key", { ...zoom, key: "whsec" }, /mac-body/],
  ["a MAC where the secret chooses", { ...zoom, forSecrets: { prefix: "a", scheme: zoom } }, /mac-body/],
];
for (const [name, scheme, message] of WRONG) {
  test(`${name} is refused`, () => {
    assert.throws(() => checkScheme("acme", scheme), message);
  });
}

test.run();
