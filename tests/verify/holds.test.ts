import { createHash, createHmac, generateKeyPairSync, sign } from "node:crypto";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Scheme, SignatureAlgorithm } from "../../lib/scheme.ts";
import { discord } from "../../lib/schemes/discord.ts";
import { sendgrid } from "../../lib/schemes/sendgrid.ts";
import { telegram } from "../../lib/schemes/telegram.ts";
import { holds, joined, mac } from "../../lib/verify/holds.ts";
import { type Key, readKey } from "../../lib/verify/keys.ts";

const test = suite("verify/holds");

const chunks = ["v0:", "ü", Uint8Array.from([0xff, 0]), "."];
const content = Buffer.concat([Buffer.from("v0:ü"), Buffer.from([0xff, 0]), Buffer.from(".")]);

function hmacScheme(algorithm: SignatureAlgorithm): Scheme {
  return { algorithm, signature: { header: "x", encoding: "hex" } };
}

test("chunks are one content, text as UTF-8 and bytes as they are", () => {
  assert.equal(joined(chunks), content);
  assert.equal(joined([]), Buffer.alloc(0));
});

for (const hash of ["sha1", "sha256", "sha384", "sha512"] as const) {
  test(`a MAC of ${hash} holds under its own key, content and algorithm alone`, () => {
    const algorithm: SignatureAlgorithm = `hmac-${hash}`;
    const key = readKey(hmacScheme(algorithm), "s") as Key & { kind: "hmac" };
    const bytes = createHmac(hash, "s").update(content).digest();
    assert.equal([...mac(key, chunks)], [...bytes]);
    assert.ok(holds(key, chunks, [{ bytes, algorithm }]));
    assert.not.ok(holds(readKey(hmacScheme(algorithm), "t"), chunks, [{ bytes, algorithm }]));
    assert.not.ok(holds(key, ["v0:"], [{ bytes, algorithm }]));
    for (const other of [
      "hmac-sha1",
      "hmac-sha256",
      "hmac-sha384",
      "hmac-sha512",
      "ed25519",
      "token",
    ] as const)
      if (other !== algorithm) assert.not.ok(holds(key, chunks, [{ bytes, algorithm: other }]), other);
    for (const cut of [bytes.subarray(1), Buffer.concat([bytes, bytes]), Buffer.alloc(0)])
      assert.not.ok(holds(key, chunks, [{ bytes: cut, algorithm }]));
  });
}

test("a MAC that was given out stays as it is, whatever its key makes next", () => {
  const key = readKey(hmacScheme("hmac-sha256"), "s") as Key & { kind: "hmac" };
  const first = mac(key, chunks);
  assert.ok(holds(key, ["other"], [{ bytes: mac(key, ["other"]), algorithm: "hmac-sha256" }]));
  assert.equal(first, createHmac("sha256", "s").update(content).digest());
});

test("one of several is enough, wherever it stands, and none is not", () => {
  const algorithm = "hmac-sha256";
  const key = readKey(hmacScheme(algorithm), "s");
  const right = { bytes: createHmac("sha256", "s").update(content).digest(), algorithm } as const;
  const wrong = { bytes: Buffer.alloc(32), algorithm } as const;
  for (const given of [
    [right, wrong],
    [wrong, right],
    [wrong, right, wrong],
    [right, right],
  ])
    assert.ok(holds(key, chunks, given));
  assert.not.ok(holds(key, chunks, [wrong, wrong]));
  assert.not.ok(holds(key, chunks, []));
});

test("a token is its digest, and its text is none", () => {
  const key = readKey(telegram, "tok");
  const bytes = createHash("sha256").update("tok").digest();
  assert.ok(holds(key, [], [{ bytes, algorithm: "token" }]));
  assert.not.ok(holds(key, [], [{ bytes: Buffer.from("tok"), algorithm: "token" }]));
  assert.not.ok(holds(key, [], [{ bytes, algorithm: "hmac-sha256" }]));
});

test("a pair's signature holds under its public key, and bytes that are none throw nothing", () => {
  const edwards = generateKeyPairSync("ed25519");
  const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keys = [
    readKey(discord, edwards.publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("hex")),
    readKey(sendgrid, p256.publicKey.export({ format: "der", type: "spki" }).toString("base64")),
  ] as const;
  const signatures = [
    sign(null, content, edwards.privateKey),
    sign("sha256", content, p256.privateKey),
  ] as const;
  for (const [at, key] of keys.entries()) {
    const { algorithm } = key;
    const bytes = signatures[at] ?? Buffer.alloc(0);
    assert.ok(holds(key, chunks, [{ bytes, algorithm }]));
    assert.not.ok(holds(key, [...chunks, "."], [{ bytes, algorithm }]));
    const foreign = signatures[1 - at] ?? Buffer.alloc(0);
    for (const other of [
      foreign,
      Buffer.alloc(0),
      Buffer.alloc(64),
      Buffer.from([0x30]),
      Buffer.alloc(5_000, 0x30),
    ])
      assert.not.ok(holds(key, chunks, [{ bytes: other, algorithm }]));
    assert.not.ok(holds(key, chunks, [{ bytes, algorithm: "hmac-sha256" }]));
  }
});

test.run();
