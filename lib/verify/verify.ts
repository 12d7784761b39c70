import { InvalidSignatureError, type SignatureReason } from "../errors.ts";
import type { Scheme } from "../scheme.ts";
import { readKey } from "./keys.ts";
import { type OwnKey, SchemeCheck, type SignedDelivery, type Verified } from "./scheme-check.ts";

/** Checks deliveries of one provider: its record and its secrets, read once. */
export class Verifier {
  readonly #checks: readonly SchemeCheck[];

  /**
   * @param secrets any of them may have signed; empty ones verify nothing
   * @throws {TypeError} a record that cannot be read, or a secret that is not in its form, without any of it
   */
  constructor(scheme: Scheme, secrets: readonly string[]) {
    const keys = new Map<Scheme, OwnKey[]>();
    for (const [secretIndex, text] of secrets.entries()) {
      if (text === "") continue;
      const own = schemeFor(scheme, text);
      keys.set(own, [...(keys.get(own) ?? []), { key: readKey(own, text), secretIndex }]);
    }
    this.#checks = Array.from(keys, ([own, ownKeys]) => new SchemeCheck(own, ownKeys));
  }

  /**
   * @param now epoch milliseconds
   * @throws {InvalidSignatureError} with a `SignatureReason`; of several records the one that came furthest says it
   */
  verify(delivery: SignedDelivery, now: number): Verified {
    let reason: SignatureReason = "no_secret";
    for (const check of this.#checks) {
      const outcome = check.verify(delivery, now);
      if (typeof outcome !== "string") return outcome;
      if (DISTANCES.indexOf(outcome) > DISTANCES.indexOf(reason)) reason = outcome;
    }
    throw new InvalidSignatureError(reason);
  }
}

/** How far a refusal came: the further, the more it says about the cause. */
const DISTANCES: readonly SignatureReason[] = [
  "no_secret",
  "missing",
  "no_url",
  "malformed",
  "mismatch",
  "stale",
];

/** The record that a secret's form chooses. */
export function schemeFor(scheme: Scheme, secret: string): Scheme {
  const { forSecrets } = scheme;
  return forSecrets !== undefined && secret.startsWith(forSecrets.prefix) ? forSecrets.scheme : scheme;
}
