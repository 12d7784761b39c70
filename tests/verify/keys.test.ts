import { generateKeyPairSync } from "node:crypto";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Scheme } from "../../lib/scheme.ts";
import { discord } from "../../lib/schemes/discord.ts";
import { github } from "../../lib/schemes/github.ts";
import { sendgrid } from "../../lib/schemes/sendgrid.ts";
import { standardWebhooks } from "../../lib/schemes/standard-webhooks.ts";
import { telegram } from "../../lib/schemes/telegram.ts";
import { type Key, readKey, readSigningKey } from "../../lib/verify/keys.ts";

const test = suite("verify/keys");

const bytes = Buffer.from("0123456789abcdef0123456789abcdef");
const whsec = `whsec_${bytes.toString("base64")}`;
const edwards = generateKeyPairSync("ed25519");
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });

/** The pair as SPKI and PKCS #8 in base64. */
function spelled({ publicKey, privateKey }: typeof edwards): { open: string; secret: string } {
  return {
    open: publicKey.export({ format: "der", type: "spki" }).toString("base64"),
    secret: privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"),
  };
}

function raw(text: string): Buffer {
  return Buffer.from(text, "base64").subarray(-32);
}

/** The bytes that key the MAC. */
function macKey(scheme: Scheme, text: string): Buffer {
  const key = readKey(scheme, text);
  if (key.kind !== "hmac") throw new Error(`Cannot read a MAC's key of ${key.kind}`);
  return key.secret.export();
}

test("a text is its own UTF-8, to the last blank", () => {
  for (const text of ["s", " s ", "sécret 💛", "whsec_MDEy", "0x00", '"quoted"'])
    assert.equal(macKey(github, text), Buffer.from(text));
});

test("whsec_ stands for the bytes behind it, with v1 before it and without any prefix, too", () => {
  for (const text of [whsec, `v1,${whsec}`, whsec.slice("whsec_".length)])
    assert.equal(macKey(standardWebhooks, text), bytes, text);
  assert.is(readKey(standardWebhooks, whsec).algorithm, "hmac-sha256");
});

test("whsec_ keys the algorithm of the scheme, where that is another MAC", () => {
  const key = readKey({ ...standardWebhooks, algorithm: "hmac-sha512" }, whsec) as Key & { kind: "hmac" };
  assert.equal([key.algorithm, key.hash], ["hmac-sha512", "sha512"]);
});

test("whpk_ is a public key and never keys a MAC", () => {
  const open = raw(spelled(edwards).open).toString("base64");
  for (const text of [`whpk_${open}`, `v1a,whpk_${open}`]) {
    const key = readKey(standardWebhooks, text);
    assert.equal([key.kind, key.algorithm], ["public", "ed25519"]);
  }
});

test("public keys are read in hex and in base64, in lines and between PEM's marks, too", () => {
  const { open } = spelled(edwards);
  for (const text of [raw(open).toString("hex"), raw(open).toString("hex").toUpperCase()]) {
    const key = readKey(discord, text) as Key & { kind: "public" };
    assert.ok(key.publicKey.equals(edwards.publicKey));
  }
  const ec = spelled(p256).open;
  const pem = p256.publicKey.export({ format: "pem", type: "spki" }).toString();
  for (const text of [ec, `${ec.slice(0, 40)}\n${ec.slice(40)}\n`, pem]) {
    const key = readKey(sendgrid, text) as Key & { kind: "public" };
    assert.ok(key.publicKey.equals(p256.publicKey));
  }
});

const secretText = "c4n4ry";
const WRONG: [name: string, scheme: Scheme, text: string, message: RegExp][] = [
  ["an empty text", github, "", /^it is empty$/],
  ["an empty token", telegram, "", /^it is empty$/],
  ["whsec_ alone", standardWebhooks, "whsec_", /copy it whole/],
  ["whsec_ and no base64", standardWebhooks, `whsec_${secretText}!`, /copy it whole/],
  ["whsec_ and base64 without its padding", standardWebhooks, "whsec_MDEyMw", /copy it whole/],
  ["whsec_ and base64url", standardWebhooks, "whsec_-_-_", /copy it whole/],
  ["whsec_ twice", standardWebhooks, `whsec_${whsec}`, /copy it whole/],
  ["a blank behind whsec_", standardWebhooks, `${whsec} `, /copy it whole/],
  ["a private key", standardWebhooks, `whsk_${bytes.toString("base64")}`, /it is a private key/],
  ["whpk_ of 31 bytes", standardWebhooks, `whpk_${bytes.subarray(1).toString("base64")}`, /of 32 bytes/],
  ["whpk_ of a whole SPKI", standardWebhooks, `whpk_${spelled(edwards).open}`, /of 32 bytes/],
  ["a text where hex is wanted", discord, secretText, /not a public key: copy it whole/],
  ["too much hex", discord, "0".repeat(66), /not a public key: copy it whole/],
  ["no DER", sendgrid, secretText, /not a public key: copy it whole/],
  ["a key on another curve", sendgrid, spelled(p384).open, /not a public key: copy it whole/],
  ["a key of another kind", sendgrid, spelled(edwards).open, /not a public key: copy it whole/],
  ["an RSA key", sendgrid, spelled(rsa).open, /not a public key: copy it whole/],
  ["the private half", sendgrid, spelled(p256).secret, /not a public key: copy it whole/],
];

for (const [name, scheme, text, message] of WRONG) {
  test(`${name} is no key, and the message has none of it`, () => {
    assert.throws(
      () => readKey(scheme, text),
      (error: Error) =>
        error instanceof TypeError &&
        message.test(error.message) &&
        !error.message.includes(secretText) &&
        error.cause === undefined,
    );
  });
}

test("a private key signs in each of its spellings, with the public half behind the seed, too", () => {
  const { open, secret } = spelled(edwards);
  const seed = raw(secret);
  const texts: [Scheme, string][] = [
    [standardWebhooks, `whsk_${seed.toString("base64")}`],
    [standardWebhooks, `whsk_${Buffer.concat([seed, raw(open)]).toString("base64")}`],
    [discord, seed.toString("hex")],
    [discord, secret],
  ];
  for (const [scheme, text] of texts) {
    const key = readSigningKey(scheme, text);
    assert.is(key.kind, "private");
    if (key.kind === "private") assert.ok(key.key.equals(edwards.privateKey), text.slice(0, 5));
  }
});

test("what cannot sign says so", () => {
  const { open } = spelled(edwards);
  const whpk = `whpk_${raw(open).toString("base64")}`;
  assert.throws(() => readSigningKey(standardWebhooks, whpk), /a public key verifies and cannot sign/);
  assert.throws(() => readSigningKey(standardWebhooks, "whsk_AAAA"), /the base64 of 32 bytes/);
  assert.throws(() => readSigningKey(discord, secretText), /not a private key/);
  assert.throws(() => readSigningKey(sendgrid, spelled(p256).open), /not a private key/);
  assert.throws(() => readSigningKey(github, ""), /it is empty/);
});

test.run();
