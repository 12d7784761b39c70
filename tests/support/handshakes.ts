import { builtInScheme } from "../../lib/schemes/mod.ts";
import { signDelivery } from "../../lib/verify/sign.ts";
import type { Ask } from "./open-server.ts";

/** A POST that a built-in provider has signed now. */
export function signedBy(provider: string, secret: string, body: unknown, route = provider): Ask {
  const scheme = builtInScheme(provider);
  if (scheme === undefined) throw new Error(`No scheme is named ${provider}`);
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const path = `/webhooks/${route}`;
  const { headers, body: bytes } = signDelivery(scheme, secret, {
    method: "POST",
    url: `https://hooks.example.org${path}`,
    body: new TextEncoder().encode(text),
    contentType: "application/json",
    at: Date.now(),
    id: null,
    type: null,
  });
  return { method: "POST", path, headers, body: new Uint8Array(bytes) };
}

/** The same, and the signature is another body's. */
export function wronglySignedBy(provider: string, secret: string, body: unknown): Ask {
  return { ...signedBy(provider, secret, { other: true }), body: JSON.stringify(body) };
}
