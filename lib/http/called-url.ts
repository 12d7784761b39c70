import { type Incoming, splitUrl } from "../incoming.ts";
import type { Peer } from "../peer.ts";
import { isInNetworks, type Network } from "./forwarded.ts";

/** What is known of the way in. */
export interface CalledUrlSettings {
  /** Of `publicUrlOf`. */
  readonly publicUrl: string | undefined;
  readonly trustedProxies: readonly Network[];
}

/**
 * The URL that the sender has called, as it signs it: the public URL, and path and query as they arrived. `Host` and
 * `X-Forwarded-*` are the sender's to write, so they count only where a trusted proxy says them. `Forwarded` (RFC 7239)
 * is not read: a proxy writes one of the two, and passes on the other as a stranger has written it.
 *
 * @param peer where our own listener has taken the connection; without one nothing but the public URL counts
 * @returns null where nothing that is trusted says the origin
 */
export function calledUrl(
  request: Incoming,
  peer: Peer | undefined,
  settings: CalledUrlSettings,
): string | null {
  const { path, query } = splitUrl(request.url);
  if (settings.publicUrl !== undefined) return settings.publicUrl + path + query;
  if (peer === undefined || !isInNetworks(peer.address, settings.trustedProxies)) return null;
  const scheme = request.headers.get("x-forwarded-proto");
  const host = request.headers.get("x-forwarded-host") ?? request.headers.get("host");
  // A list is what several hops have said, of which no one knows who wrote which.
  if (scheme === null || !/^https?$/.test(scheme) || host === null || !HOST.test(host)) return null;
  return `${scheme}://${host}${path}${query}`;
}

/** A name or an address, and a port where there is one (RFC 9110, section 7.2). */
const HOST = /^(?:[\w.-]{1,255}|\[[\dA-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;
