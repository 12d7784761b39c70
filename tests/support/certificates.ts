import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** A server's certificate with the authority that signed it, in PEM. */
export interface Certificates {
  ca: string;
  cert: string;
  key: string;
}

/** Made anew for these names: an authority of its own, and a certificate that holds for a day on either side of now. */
export function makeCertificates(names: readonly string[]): Certificates {
  const authority = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const server = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const signer = authority.privateKey;
  return {
    ca: certificate("Test authority", authority.publicKey, signer, [basicConstraints(true)]),
    cert: certificate("Test server", server.publicKey, signer, [basicConstraints(false), altNames(names)]),
    key: server.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

const DAY_MS = 86_400_000;

// RFC 5280, section 4.1, in DER.
function certificate(subject: string, key: KeyObject, signer: KeyObject, extensions: Uint8Array[]): string {
  const toBeSigned = sequence(
    der(0xa0, der(0x02, bytes(2))), // version 3
    der(0x02, bytes(1), randomBytes(8)), // a serial number above 0
    ECDSA_WITH_SHA256,
    nameOf("Test authority"),
    sequence(utcTime(Date.now() - DAY_MS), utcTime(Date.now() + DAY_MS)),
    nameOf(subject),
    key.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = der(0x03, bytes(0), sign("sha256", toBeSigned, signer));
  const lines =
    sequence(toBeSigned, ECDSA_WITH_SHA256, signature)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([bytes(tag, ...size), content]);
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return der(0x30, ...parts);
}

function bytes(...values: readonly number[]): Buffer {
  return Buffer.from(values);
}

const ECDSA_WITH_SHA256 = sequence(der(0x06, bytes(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)));

function nameOf(commonName: string): Buffer {
  const type = der(0x06, bytes(0x55, 0x04, 0x03));
  return sequence(der(0x31, sequence(type, der(0x0c, Buffer.from(commonName)))));
}

function utcTime(at: number): Buffer {
  const digits = new Date(at)
    .toISOString()
    .replace(/[-:T]|\.\d+/g, "")
    .slice(2);
  return der(0x17, Buffer.from(digits));
}

function basicConstraints(isAuthority: boolean): Buffer {
  const value = isAuthority ? sequence(der(0x01, bytes(0xff))) : sequence();
  return sequence(der(0x06, bytes(0x55, 0x1d, 0x13)), der(0x01, bytes(0xff)), der(0x04, value));
}

function altNames(names: readonly string[]): Buffer {
  const value = sequence(...names.map((name) => der(0x82, Buffer.from(name))));
  return sequence(der(0x06, bytes(0x55, 0x1d, 0x11)), der(0x04, value));
}
