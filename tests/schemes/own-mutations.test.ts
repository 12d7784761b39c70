import { createHash, createHmac } from "node:crypto";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseBody } from "../../lib/parse-body.ts";
import { builtInScheme, builtInSchemeNames } from "../../lib/schemes/mod.ts";
import { readKey } from "../../lib/verify/keys.ts";
import { signDelivery } from "../../lib/verify/sign.ts";
import { keysFor } from "../support/keys.ts";
import { signedContent } from "../support/other-algorithms.ts";
import { FORM, payloadsOf, signedUrl, signsUrl } from "../support/payloads.ts";
import {
  type Checked,
  MORE_NAMES,
  outcomeOf,
  SIGNED_AT,
  type SignedCase,
  signatureOf,
  signatureText,
  signedCase,
  timeText,
  withHeader,
  withSignature,
  withText,
} from "../support/signed-case.ts";

const test = suite("schemes/own-mutations");
const names = [...builtInSchemeNames(), ...MORE_NAMES];

test("hex of upper case is the same bytes and holds, base64 has one spelling", () => {
  for (const name of names) {
    const one = signedCase(name);
    const { encoding } = one.scheme.signature;
    if (encoding === "text") continue;
    const upper = withSignature(one, signatureOf(one).toUpperCase());
    assert.is(outcomeOf(name, upper) === "holds", encoding === "hex", name);
  }
});

// Nothing is signed here, so this is what a token alone is worth: who has it may say anything.
test("under a token any body, id and type hold", () => {
  const tokens = names.filter((name) => builtInScheme(name)?.algorithm === "token");
  assert.equal(tokens, ["gitlab", "telegram", "cloudevents"]);
  for (const name of tokens) {
    const { sent } = signedCase(name);
    for (const body of ["{}", '{"update_id":1,"message":{}}', ""])
      assert.is(outcomeOf(name, { ...sent, body: Buffer.from(body) }), "holds");
    for (const header of ["idempotency-key", "x-gitlab-event", "ce-id", "ce-source", "ce-type"])
      assert.is(outcomeOf(name, withHeader(sent, header, "another")), "holds");
    assert.is(outcomeOf(name, { ...sent, now: SIGNED_AT + 1e12, url: null, method: "PUT" }), "holds");
  }
});

test("gitlab: a signing token wants the signature, and the token in its header counts for nothing", () => {
  const one = signedCase("gitlab-signed");
  const bare = withHeader(one.sent, "webhook-signature", null);
  assert.is(outcomeOf(one.name, bare), "missing");
  assert.is(outcomeOf(one.name, withHeader(bare, "x-gitlab-token", one.keys.verifying)), "missing");
  const wrong = withHeader(withText(one.scheme, one.sent, "v1,AAAA"), "x-gitlab-token", one.keys.verifying);
  assert.is(outcomeOf(one.name, wrong), "malformed");
});

test("mailgun: the event can be exchanged, because it is not signed, and the triple beside it cannot", () => {
  const one = signedCase("mailgun");
  const text = new TextDecoder().decode(one.sent.body);
  const exchanged = text.replace('"event":"delivered"', '"event":"complained"');
  assert.is(outcomeOf("mailgun", { ...one.sent, body: Buffer.from(exchanged) }), "holds");
  const start = text.indexOf('"signature":');
  let held = 0;
  for (const [at, byte] of one.sent.body.entries()) {
    const changed = Uint8Array.from(one.sent.body);
    changed[at] = byte ^ 1;
    const outcome = outcomeOf("mailgun", { ...one.sent, body: changed });
    if (at >= start) assert.is.not(outcome, "holds", `byte ${at}`);
    else if (outcome === "holds") held++;
  }
  assert.ok(held > 100, String(held));
});

test("mailgun: time and token have one form each, so that no digit moves between them", () => {
  const { sent } = signedCase("mailgun");
  const value = JSON.parse(new TextDecoder().decode(sent.body)) as {
    signature: { timestamp: string; token: string };
  };
  const { timestamp, token } = value.signature;
  const moved = (time: string, rest: string): Checked => {
    const signature = { ...value.signature, timestamp: time, token: rest };
    return { ...sent, body: Buffer.from(JSON.stringify({ ...value, signature })) };
  };
  assert.is(outcomeOf("mailgun", moved(timestamp, token)), "holds");
  for (let count = 1; count < 10; count++) {
    assert.is(
      outcomeOf("mailgun", moved(timestamp + token.slice(0, count), token.slice(count))),
      "malformed",
    );
    assert.is(
      outcomeOf("mailgun", moved(timestamp.slice(0, -count), timestamp.slice(-count) + token)),
      "malformed",
    );
  }
});

test("twilio: a changed byte holds only where the fields are the same", () => {
  const { sent } = signedCase("twilio");
  const wanted = concatenated(sent.body);
  for (const flip of [1, 4, 0x20]) {
    for (const [at, byte] of sent.body.entries()) {
      const changed = Uint8Array.from(sent.body);
      changed[at] = byte ^ flip;
      const outcome = outcomeOf("twilio", { ...sent, body: changed });
      assert.is(outcome === "holds", concatenated(changed) === wanted, `byte ${at} with ${flip}`);
    }
  }
});

// As the vendor has it: name and value have nothing between them.
test("twilio: a form whose names are cut elsewhere holds, and nothing else of another form does", () => {
  const form = (text: string, url = signedUrl("twilio")): Checked => ({
    ...signTwilio("Body=hello&From=%2B49&To=%2B50", FORM),
    body: Buffer.from(text),
    url,
  });
  assert.is(outcomeOf("twilio", form("Bod=yhello&From=%2B49&To=%2B50")), "holds");
  assert.is(outcomeOf("twilio", form("To=%2B50&Body=hello&From=%2B49&Body=hello")), "holds");
  for (const text of [
    "Body=hello&From=%2B49",
    "Body=hello&From=%2B49&To=%2B50&Z=1",
    "Body=hello&From=%2B49&To=%2B50&To=%2B51",
    "body=hello&From=%2B49&To=%2B50",
    "Body=hello&From=+49&To=%2B50",
    "Body=hello;From=%2B49;To=%2B50",
    "\uFEFFBody=hello&From=%2B49&To=%2B50",
    "Body=\u0000hello&From=%2B49&To=%2B50",
  ])
    assert.is(outcomeOf("twilio", form(text)), "mismatch", text);
});

test("twilio: of a field that stands several times the distinct values count, in order", () => {
  const secret = keysFor(builtInScheme("twilio") ?? fail(), "twilio").signing;
  const url = signedUrl("twilio");
  const mac = createHmac("sha1", secret).update(`${url}MediaUrlaMediaUrlbTo1`).digest("base64");
  for (const text of ["MediaUrl=b&MediaUrl=a&To=1", "To=1&MediaUrl=a&MediaUrl=b&MediaUrl=a"]) {
    const sent = { ...signTwilio(text, FORM), url };
    assert.is(outcomeOf("twilio", withHeader(sent, "x-twilio-signature", mac)), "holds");
  }
});

// As the vendor's libraries try it: with the port, the one that goes without saying too, and without any.
test("twilio: a URL that was signed without its port holds with one, and one port does not pass for another", () => {
  const called = [
    "https://hooks.example.org/a",
    "https://hooks.example.org:443/a",
    "https://hooks.example.org:8443/a",
    "http://hooks.example.org/a",
    "http://hooks.example.org:80/a",
    "https://hooks.example.org/",
    "https://hooks.example.com/a",
  ] as const;
  const cases: [signed: string, holds: readonly string[]][] = [
    [called[0], [called[0], called[1], called[2]]],
    [called[1], [called[0], called[1]]],
    [called[2], [called[2]]],
    [called[3], [called[3], called[4]]],
    [called[4], [called[3], called[4]]],
  ];
  for (const [signed, holds] of cases) {
    const sent = signTwilio("A=1", FORM, signed);
    const held = called.filter((url) => outcomeOf("twilio", { ...sent, url }) === "holds");
    assert.equal(held, holds, signed);
  }
});

test("twilio: a body that is no form is covered by its hash in the URL, and without one not at all", () => {
  const body = '{"Sid":"1","Text":"ü"}';
  const hash = createHash("sha256").update(body).digest("hex");
  const url = (query: string): string => `https://hooks.example.org/webhooks/twilio${query}`;
  const json = (text: string, query: string): Checked => ({
    ...signTwilio(body, "application/json", url(query), true),
    body: Buffer.from(text),
  });
  for (const query of [`?bodySHA256=${hash}`, `?a=1&bodySHA256=${hash.toUpperCase()}&b=2`])
    assert.is(outcomeOf("twilio", json(body, query)), "holds", query);
  for (let at = 0; at < body.length; at++)
    assert.is(
      outcomeOf("twilio", json(`${body.slice(0, at)}~${body.slice(at + 1)}`, `?bodySHA256=${hash}`)),
      "mismatch",
    );
  for (const query of [
    "",
    "?",
    "?bodySHA256=",
    `?bodysha256=${hash}`,
    `?bodySHA256=${hash.slice(1)}`,
    `?bodySHA256=${hash}&bodySHA256=${hash}`,
    `?bodySHA256=${createHash("sha256").update("").digest("hex")}`,
  ])
    assert.is(outcomeOf("twilio", json(body, query)), "mismatch", query);
  // The same bytes under another type: what is a form is not covered by the hash, and the other way about.
  const asForm = withHeader(json(body, `?bodySHA256=${hash}`), "content-type", FORM);
  assert.is(outcomeOf("twilio", asForm), "mismatch");
  const asJson = withHeader(signTwilio("Body=hello", FORM), "content-type", "application/json");
  assert.is(outcomeOf("twilio", asJson), "mismatch");
});

test("pagerduty: one entry that holds is enough, wherever it stands among eight", () => {
  const one = signedCase("pagerduty");
  const right = signatureText(one.scheme, one.sent);
  const wrong = `v1=${"0".repeat(64)}`;
  for (const texts of [
    [wrong, right],
    [right, wrong],
    [right, right],
    [...Array(7).fill(wrong), right],
  ])
    assert.is(outcomeOf("pagerduty", withText(one.scheme, one.sent, texts.join(","))), "holds");
  const many = [...Array(8).fill(wrong), right].join(",");
  assert.is(outcomeOf("pagerduty", withText(one.scheme, one.sent, many)), "malformed");
});

test("stripe and its like: a second time refuses the header, whichever signature is right", () => {
  for (const name of ["stripe", "paddle", "calendly"]) {
    const one = signedCase(name);
    const { separator, assign } = one.scheme.signature.parts ?? fail();
    const text = signatureText(one.scheme, one.sent);
    const [time = "", entry = ""] = text.split(separator);
    const wrong = `${entry.split(assign)[0]}${assign}${"0".repeat(64)}`;
    for (const held of [
      [time, wrong, entry],
      [wrong, entry, time],
      [time, `v0${assign}00`, entry, wrong],
    ])
      assert.is(outcomeOf(name, withText(one.scheme, one.sent, held.join(separator))), "holds", held.join());
    for (const refused of [
      [time, entry, time],
      [time, time, entry],
      [time, entry, `${time.split(assign)[0]}${assign}0`],
    ])
      assert.is(
        outcomeOf(name, withText(one.scheme, one.sent, refused.join(separator))),
        "malformed",
        refused.join(),
      );
    assert.is(outcomeOf(name, withText(one.scheme, one.sent, entry)), "malformed");
    assert.is(outcomeOf(name, withText(one.scheme, one.sent, time)), "malformed");
  }
});

test("standard-webhooks: the families do not mix", () => {
  const one = signedCase("standard-webhooks");
  const { headers } = one.sent;
  const parts = ["id", "timestamp", "signature"] as const;
  for (let mask = 0; mask < 8; mask++) {
    const spelled = Object.fromEntries(
      parts.map((part, at) => [
        `${mask & (1 << at) ? "svix" : "webhook"}-${part}`,
        headers[`webhook-${part}`] ?? "",
      ]),
    );
    const sent = { ...one.sent, headers: { "content-type": "application/json", ...spelled } };
    const isOneFamily = mask === 0 || mask === 7;
    assert.is(outcomeOf(one.name, sent), isOneFamily ? "holds" : "malformed", String(mask));
  }
  // Beside the signature that is read first, another family's does not count, and neither do its id and time.
  const svix = Object.fromEntries(parts.map((part) => [`svix-${part}`, headers[`webhook-${part}`] ?? ""]));
  const both = { ...one.sent, headers: { ...headers, ...svix } };
  assert.is(outcomeOf(one.name, both), "holds");
  assert.is(outcomeOf(one.name, withHeader(both, "svix-id", "msg_2")), "holds");
  assert.is(outcomeOf(one.name, withHeader(both, "webhook-id", "msg_2")), "mismatch");
  assert.is(outcomeOf(one.name, withHeader(both, "webhook-signature", "v1,AAAA")), "malformed");
});

test("standard-webhooks: an id with a full stop takes nothing from the time, nor the time from the body", () => {
  const key = keysFor(builtInScheme("standard-webhooks") ?? fail(), "a");
  const body = `${SIGNED_AT / 1_000 + 1}.{"type":"forged"}`;
  const { headers } = signDelivery(builtInScheme("standard-webhooks") ?? fail(), key.signing, {
    method: "POST",
    url: null,
    body: Buffer.from(body),
    contentType: "application/json",
    at: SIGNED_AT,
    id: "msg_1",
    type: null,
  });
  const sent = { method: "POST", url: null, now: SIGNED_AT, secrets: [key.verifying] };
  const text = `msg_1.${SIGNED_AT / 1_000}.${body}`;
  assert.is(outcomeOf("standard-webhooks", { ...sent, headers, body: Buffer.from(body) }), "holds");
  const stops = [...text.matchAll(/\./g)].map(({ index }) => index);
  for (const [at, first] of stops.entries()) {
    for (const second of stops.slice(at + 1)) {
      const [id, time, rest] = [text.slice(0, first), text.slice(first + 1, second), text.slice(second + 1)];
      if (id === "msg_1" && rest === body) continue;
      const cut = { ...headers, "webhook-id": id, "webhook-timestamp": time };
      const outcome = outcomeOf("standard-webhooks", { ...sent, headers: cut, body: Buffer.from(rest) });
      assert.is(outcome, "malformed", `${id} ${time}`);
    }
  }
});

test("standard-webhooks: a public key keys no HMAC, and neither version passes for the other", () => {
  const pair = signedCase("standard-pair");
  const content = signedContent(pair);
  const raw = Buffer.from(pair.keys.verifying.slice("whpk_".length), "base64");
  for (const secret of [raw, pair.keys.verifying, raw.toString("base64"), raw.toString("hex")]) {
    const mac = createHmac("sha256", secret).update(content).digest("base64");
    for (const text of [
      `v1,${mac}`,
      `v1a,${mac}`,
      `v1,${mac} ${`v1a,${Buffer.alloc(64).toString("base64")}`}`,
    ])
      assert.is.not(outcomeOf(pair.name, withText(pair.scheme, pair.sent, text)), "holds", text);
  }
  const signature = signatureOf(pair);
  assert.is(outcomeOf(pair.name, withText(pair.scheme, pair.sent, `v1,${signature}`)), "malformed");
  const shared = signedCase("standard-webhooks");
  const asPair = withText(shared.scheme, shared.sent, `v1a,${signatureOf(shared)}`);
  assert.is(outcomeOf(shared.name, asPair), "malformed");
  // While a sender moves from one to the other, both stand in one header.
  const both = `v1,${signatureOf(shared)} v1a,${signature}`;
  for (const one of [pair, shared])
    assert.is(outcomeOf(one.name, withText(one.scheme, one.sent, both)), "holds", one.name);
});

test("box: either header may hold, whatever stands in the other, and two wrong ones do not", () => {
  const one = signedCase("box");
  const right = signatureOf(one);
  const wrong = Buffer.alloc(32).toString("base64");
  for (const [primary, secondary, outcome] of [
    [right, null, "holds"],
    [null, right, "holds"],
    [wrong, right, "holds"],
    [right, wrong, "holds"],
    ["", right, "holds"],
    ["rubbish", right, "holds"],
    [wrong, wrong, "mismatch"],
    [wrong, null, "mismatch"],
    [null, null, "missing"],
    [`${right}, ${right}`, null, "malformed"],
  ] as const) {
    const first = withHeader(one.sent, "box-signature-primary", primary);
    const sent = withHeader(first, "box-signature-secondary", secondary);
    assert.is(outcomeOf("box", sent), outcome, `${primary} ${secondary}`);
  }
});

test("github: the older header with SHA-1 is not looked at", () => {
  const { sent, keys } = signedCase("github");
  const mac = createHmac("sha1", keys.signing).update(sent.body).digest("hex");
  const old = withHeader(sent, "x-hub-signature", `sha1=${mac}`);
  assert.is(outcomeOf("github", withHeader(old, "x-hub-signature-256", null)), "missing");
  assert.is(
    outcomeOf("github", withHeader(old, "x-hub-signature-256", `sha256=${"0".repeat(64)}`)),
    "mismatch",
  );
  assert.is(outcomeOf("github", withHeader(old, "x-hub-signature-256", `sha1=${mac}`)), "malformed");
});

// ECDSA has two signatures for each content. So no signature is ever what a copy is known by.
test("sendgrid: the other S of a signature holds, and says the same", () => {
  const one = signedCase("sendgrid");
  const der = Buffer.from(signatureOf(one), "base64");
  assert.is(outcomeOf("sendgrid", withSignature(one, otherS(der).toString("base64"))), "holds");
});

test("where the URL is signed, no byte that moves between it and the body leaves a body that is JSON", () => {
  const moving = names.filter((name) => name !== "twilio" && signsUrl(signedCase(name).scheme));
  assert.equal(moving, ["square", "hubspot", "trello"]);
  for (const name of moving) {
    const { sent } = signedCase(name);
    const [url, body] = [sent.url ?? "", new TextDecoder().decode(sent.body)];
    for (let count = 1; count < 20; count++) {
      const forms = [
        [url + body.slice(0, count), body.slice(count)],
        [url.slice(0, -count), url.slice(-count) + body],
        [body.slice(-count) + url, body.slice(0, -count)],
        [url.slice(count), body + url.slice(0, count)],
      ] as const;
      for (const [called, rest] of forms) {
        const outcome = outcomeOf(name, { ...sent, url: called, body: Buffer.from(rest) });
        assert.ok(outcome !== "holds" || !isJson(rest), `${name}: ${called} ${rest.slice(0, 20)}`);
      }
    }
  }
});

test("hubspot: escapes that it signs unescaped hold in both spellings, and others in one", () => {
  const scheme = builtInScheme("hubspot") ?? fail();
  const { sent, keys } = signedCase("hubspot");
  const at = (query: string): string => `https://hooks.example.org/webhooks/hubspot?${query}`;
  const content = Buffer.concat([
    Buffer.from(`POST${at("a=:/?@!$'()*,;&b=%20%C3%BC")}`),
    sent.body,
    Buffer.from(timeText({ scheme, sent } as SignedCase) ?? ""),
  ]);
  const mac = createHmac("sha256", keys.signing).update(content).digest("base64");
  const signed = withHeader(sent, "x-hubspot-signature-v3", mac);
  for (const query of ["a=:/?@!$'()*,;&b=%20%C3%BC", "a=%3A%2f%3F%40%21%24%27%28%29%2A%2C%3B&b=%20%C3%BC"])
    assert.is(outcomeOf("hubspot", { ...signed, url: at(query) }), "holds", query);
  for (const query of [
    "a=:/?@!$'()*,;&b=+%C3%BC",
    "a=:/?@!$'()*,;%26b=%20%C3%BC",
    "a=:/?@!$'()*,;&b=%20%c3%bc",
  ])
    assert.is(outcomeOf("hubspot", { ...signed, url: at(query) }), "mismatch", query);
});

test("every key of these cases is the one that its scheme asks for", () => {
  for (const name of names) {
    const { scheme, keys } = signedCase(name);
    const expected = { hmac: "hmac", token: "token", ed25519: "public", ecdsa: "public" }[
      scheme.algorithm.split("-")[0] as "hmac"
    ];
    assert.is(readKey(scheme, keys.verifying).kind, name === "standard-pair" ? "public" : expected, name);
    assert.ok(name === "gitlab-signed" || name === "standard-pair" || payloadsOf(name).length > 0);
  }
});

test.run();

/** @param isForced signs the URL alone, as somebody would who has left the hash out */
function signTwilio(text: string, contentType: string, url = signedUrl("twilio"), isForced = false): Checked {
  const scheme = builtInScheme("twilio") ?? fail();
  const { signing, verifying } = keysFor(scheme, "twilio");
  const body = Buffer.from(text);
  const common = { method: "POST", url, body, now: SIGNED_AT, secrets: [verifying] };
  const mac = createHmac("sha1", signing).update(url).digest("base64");
  if (isForced) return { ...common, headers: { "content-type": contentType, "x-twilio-signature": mac } };
  const unsigned = { method: "POST", url, body, contentType, at: SIGNED_AT, id: null, type: null };
  return { ...common, headers: signDelivery(scheme, signing, unsigned).headers };
}

/** What Twilio signs of a form, made in another way than by the scheme. */
function concatenated(body: Uint8Array): string {
  const fields = [...new URLSearchParams(new TextDecoder().decode(body))].map(([name, value]) => ({
    name,
    value,
  }));
  const distinct = new Map(fields.map((field) => [JSON.stringify(field), field]));
  const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
  return [...distinct.values()]
    .sort((a, b) => order(a.name, b.name) || order(a.value, b.value))
    .map(({ name, value }) => name + value)
    .join("");
}

/** A DER signature with the order of P-256 less its S. */
function otherS(der: Buffer): Buffer {
  const order = BigInt("0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  const rEnd = 4 + (der[3] ?? 0);
  const s = order - BigInt(`0x${der.subarray(rEnd + 2).toString("hex")}`);
  const hex = s.toString(16).padStart(2 * Math.ceil(s.toString(16).length / 2), "0");
  const bytes = Buffer.from(/^[89a-f]/.test(hex) ? `00${hex}` : hex, "hex");
  const inner = Buffer.concat([der.subarray(2, rEnd), Buffer.from([2, bytes.length]), bytes]);
  return Buffer.concat([Buffer.from([0x30, inner.length]), inner]);
}

function isJson(text: string): boolean {
  try {
    parseBody(Buffer.from(text), "application/json");
    return true;
  } catch {
    return false;
  }
}

function fail(): never {
  throw new Error("Cannot find what every build has");
}
