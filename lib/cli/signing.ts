import { readFileSync } from "node:fs";
import { type Sent, signDelivery, type Unsigned } from "../verify/sign.ts";
import type { KnownProvider } from "./provider-of.ts";

/**
 * Signs as the provider would, with the secret that the server has.
 *
 * @param secretFile holds another one: the private key of a provider whose public key the server has
 * @throws {Error} no secret, or one that cannot sign
 */
export function signFor(provider: KnownProvider, unsigned: Unsigned, secretFile: string | undefined): Sent {
  const { name, scheme, variable } = provider;
  if (secretFile === undefined && /^(?:ed25519|ecdsa)/.test(scheme.algorithm)) {
    throw new Error(
      `Cannot sign for ${name} with ${variable}, which is a public key: put a private key into a file and name it with --secret-file`,
    );
  }
  const secret = secretFile === undefined ? provider.secret : readSecretFile(secretFile);
  if (secret === null) throw new Error(`Cannot sign for ${name} without its secret: set ${variable}`);
  try {
    return signDelivery(scheme, secret, unsigned);
  } catch (error) {
    if (error instanceof TypeError) throw new Error(`Cannot sign for ${name}: ${error.message}`);
    throw error;
  }
}

function readSecretFile(path: string): string {
  const secret = readFileSync(path, "utf8").replace(/\r?\n$/, "");
  if (secret === "") throw new Error(`Cannot sign with ${path}: it is empty`);
  return secret;
}
