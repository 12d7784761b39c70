import { builtInScheme } from "../../../lib/schemes/mod.ts";
import { signDelivery } from "../../../lib/verify/sign.ts";
import { keysFor } from "../../support/keys.ts";
import type { Answer, DoorName, TestServer } from "../../support/open-server.ts";
import { signedUrl } from "../../support/payloads.ts";

/** What a test sends in a provider's name. */
export interface Post {
  readonly body: string | Uint8Array;
  /** Default JSON. */
  readonly contentType?: string;
  /** For the header that holds the id, default `delivery-1`. */
  readonly id?: string;
  /** For the header that holds the type. */
  readonly type?: string;
  /** Instead of those that are signed, or besides. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default the socket. */
  readonly door?: DoorName;
}

/** The secret that `postSigned` signs with and a server has to know, by provider. */
export function secretsOf(providers: readonly string[]): Record<string, string> {
  return Object.fromEntries(providers.map((name) => [name, keys(name).verifying]));
}

/** Posts a delivery as the provider would sign it now. */
export function postSigned(server: TestServer, provider: string, post: Post): Promise<Answer> {
  const scheme = builtInScheme(provider);
  if (scheme === undefined) throw new Error(`Cannot find scheme ${provider}`);
  const sent = signDelivery(scheme, keys(provider).signing, {
    method: "POST",
    url: signedUrl(provider),
    body: Buffer.from(post.body),
    contentType: post.contentType ?? "application/json",
    at: Date.now(),
    id: post.id ?? "delivery-1",
    type: post.type ?? null,
  });
  const { pathname, search } = new URL(signedUrl(provider));
  return server.ask(post.door ?? "http", {
    method: "POST",
    path: pathname + search,
    headers: { ...sent.headers, ...post.headers },
    body: new Uint8Array(sent.body),
  });
}

function keys(provider: string): ReturnType<typeof keysFor> {
  const scheme = builtInScheme(provider);
  if (scheme === undefined) throw new Error(`Cannot find scheme ${provider}`);
  return keysFor(scheme, provider);
}
