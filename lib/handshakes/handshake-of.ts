import type { Handshake } from "../handshake.ts";
import type { Provider } from "../schemes/providers.ts";

/** A method that stands for a handshake. POST stands for a delivery, and a handshake in it is known by its body. */
export type HandshakeMethod = "GET" | "HEAD" | "OPTIONS";

/**
 * The handshake that a method of a provider's route stands for; undefined where the provider has none of this method, or
 * lacks the secret or the verify token that it needs.
 */
export function handshakeOf(provider: Provider, method: string): MethodHandshake | undefined {
  const { scheme, secrets, verifyTokens } = provider;
  if (secrets.length === 0) return undefined;
  for (const handshake of scheme.handshakes ?? []) {
    if (!hasMethod(handshake) || !METHODS[handshake.kind].some((one) => one === method)) continue;
    const needsToken = handshake.kind === "echo-query" && handshake.token !== undefined;
    if (!needsToken || verifyTokens.length > 0) return handshake;
  }
  return undefined;
}

/** The methods besides POST that a provider's route has. */
export function handshakeMethods(provider: Provider): readonly HandshakeMethod[] {
  return ALL.filter((method) => handshakeOf(provider, method) !== undefined);
}

/** A handshake that is known by its method. */
export type MethodHandshake = Extract<Handshake, { kind: "echo-query" | "head" | "permission" }>;

const ALL: readonly HandshakeMethod[] = ["GET", "HEAD", "OPTIONS"];

/** HEAD works where GET does. */
const METHODS: Readonly<Record<MethodHandshake["kind"], readonly HandshakeMethod[]>> = {
  "echo-query": ["GET", "HEAD"],
  head: ["HEAD"],
  permission: ["OPTIONS"],
};

function hasMethod(handshake: Handshake): handshake is MethodHandshake {
  return Object.hasOwn(METHODS, handshake.kind);
}
