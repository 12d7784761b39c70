import { createHash, createHmac, sign as signWith } from "node:crypto";
import { joined } from "../../lib/verify/holds.ts";
import { readKey, readSigningKey } from "../../lib/verify/keys.ts";
import { parseSigned } from "../../lib/verify/signed.ts";
import type { Mutation } from "./mutations.ts";
import { type SignedCase, signatureOf, timeText, tryJson, withSignature } from "./signed-case.ts";

/** What the right key makes with another function, in as many bytes. */
export function* otherAlgorithms(one: SignedCase): Generator<Mutation> {
  const { scheme, sent, keys } = one;
  const content = signedContent(one);
  const key = readKey(scheme, keys.verifying);
  const { encoding } = scheme.signature;
  const given = (what: string, bytes: Uint8Array): Mutation => [
    what,
    withSignature(one, Buffer.from(bytes).toString(encoding === "hex" ? "hex" : "base64")),
  ];
  if (key.kind === "hmac") {
    const length = Buffer.from(signatureOf(one), encoding as "hex").length;
    for (const other of ["sha1", "sha256", "sha384", "sha512", "sha512-256", "sha3-256", "md5"]) {
      if (`hmac-${other}` === key.algorithm) continue;
      const mac = createHmac(other, key.secret).update(content).digest();
      yield given(other, Buffer.concat([mac, Buffer.alloc(length)]).subarray(0, length));
    }
    const plain = key.algorithm.slice("hmac-".length);
    const secret = key.secret.export();
    yield given("a hash of the content", createHash(plain).update(content).digest());
    yield given("a hash of secret and content", createHash(plain).update(secret).update(content).digest());
    yield given("a hash of content and secret", createHash(plain).update(content).update(secret).digest());
    yield given("content and key exchanged", createHmac(plain, content).update(secret).digest());
    yield given("with an empty key", createHmac(plain, "").update(content).digest());
    yield given("over nothing", createHmac(plain, key.secret).digest());
    if (sent.body.length !== content.length)
      yield given("over the body alone", createHmac(plain, key.secret).update(sent.body).digest());
    return;
  }
  // Everyone knows a public key, so what it keys as if it were a secret must not hold.
  const open = Buffer.from(keys.verifying);
  const signer = readSigningKey(scheme, keys.signing);
  if (key.kind !== "public" || signer.kind !== "private") throw new Error("Cannot find the pair");
  const raw = key.publicKey.export({ format: "der", type: "spki" }).subarray(-32);
  for (const secret of [open, raw]) {
    yield given("SHA-512 keyed with the public key", createHmac("sha512", secret).update(content).digest());
    const mac = createHmac("sha256", secret).update(content).digest();
    yield given("SHA-256 keyed with the public key", Buffer.concat([mac, mac]));
  }
  if (key.algorithm === "ed25519") {
    yield given(
      "its S with the order added",
      shiftedEd25519(Buffer.from(signatureOf(one), encoding as "hex")),
    );
    yield given(
      "over the content's hash",
      signWith(null, createHash("sha512").update(content).digest(), signer.key),
    );
    yield given("over the body alone", signWith(null, sent.body, signer.key));
    yield given("the identity for R and zero for S", Buffer.concat([Buffer.from([1]), Buffer.alloc(63)]));
    return;
  }
  for (const hash of ["sha1", "sha384", "sha512"])
    yield given(`over ${hash}`, signWith(hash, content, signer.key));
  const wide = signWith("sha256", content, { key: signer.key, dsaEncoding: "ieee-p1363" });
  yield given("r and s side by side", wide);
  yield given("zero for r and s", Buffer.from("3006020100020100", "hex"));
  yield given("one for r and s", Buffer.from("3006020101020101", "hex"));
  yield given("over the body alone", signWith("sha256", sent.body, signer.key));
}

/** An Ed25519 signature has a second S for the same content, which RFC 8032 refuses: S plus the group's order. */
function shiftedEd25519(signature: Buffer): Buffer {
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const s = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString("hex")}`) + order;
  return Buffer.concat([
    signature.subarray(0, 32),
    Buffer.from(s.toString(16).padStart(64, "0"), "hex").reverse(),
  ]);
}

/** What the case's own signature is over. */
export function signedContent(one: SignedCase): Uint8Array {
  const { scheme, sent } = one;
  const value: unknown = tryJson(sent.body);
  const [chunks = []] = parseSigned(scheme.signed ?? "{body}").contents({
    method: sent.method,
    url: sent.url ?? "",
    contentType: (sent.headers["content-type"] ?? "").replace(/;.*/, ""),
    body: sent.body,
    timestamp: timeText(one) ?? "",
    id: "msg_1",
    value,
  });
  return joined(chunks);
}
