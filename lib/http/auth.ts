import type { Clock } from "../clock.ts";
import { isSameToken, tokenDigest } from "../constant-time.ts";
import { WebhookError } from "../errors.ts";
import { type Incoming, type IncomingHeaders, toRequest } from "../incoming.ts";
import type { Peer } from "../peer.ts";
import { FailureCounter } from "./failures.ts";
import { clientAddress, isLoopbackAddress, type Network } from "./forwarded.ts";

/** What decides about admin routes. */
export interface AdminGateOptions {
  clock: Clock;
  /** `ADMIN_TOKEN` and the previous one. Without any, and without `authorize`, every request is refused. */
  tokens?: readonly string[];
  /** The embedder's own decision, in place of the tokens. */
  authorize?: ((request: Request) => boolean | Promise<boolean>) | undefined;
  /** True in try-out mode: then a local request needs no token. */
  isTryOut?: boolean;
  /** Signature headers of all schemes, in lower case: a request with one is not local. */
  signatureHeaders?: readonly string[];
  /** Of `parseNetworks`. */
  trustedProxies?: readonly Network[];
  /** Its origin is ours, too. */
  publicUrl?: string | undefined;
}

/** Stands before every route but `/webhooks/*`, `/health` and `/ready`. */
export class AdminGate {
  readonly #digests: readonly Uint8Array[];
  readonly #authorize: AdminGateOptions["authorize"];
  readonly #isTryOut: boolean;
  readonly #signatureHeaders: readonly string[];
  readonly #trustedProxies: readonly Network[];
  readonly #publicHost: string | null;
  readonly #failures: FailureCounter;

  constructor(options: AdminGateOptions) {
    this.#digests = (options.tokens ?? []).map(tokenDigest);
    this.#authorize = options.authorize;
    this.#isTryOut = options.isTryOut ?? false;
    this.#signatureHeaders = options.signatureHeaders ?? [];
    this.#trustedProxies = options.trustedProxies ?? [];
    this.#publicHost = options.publicUrl === undefined ? null : new URL(options.publicUrl).host;
    this.#failures = new FailureCounter(options.clock);
  }

  /**
   * Resolves where the request may pass.
   *
   * @param peer where our own listener has taken the connection
   * @throws {WebhookError} `origin_foreign`, `too_many_failures` or `unauthorized`, checked in this order
   */
  async check(request: Incoming, peer: Peer | undefined): Promise<void> {
    const ownHosts = [peer?.host ?? new URL(request.url).host, this.#publicHost];
    if (isForeign(request.headers, ownHosts)) {
      throw new WebhookError("origin_foreign", "Cannot answer a page of another site");
    }
    const address =
      peer === undefined
        ? null
        : clientAddress(peer.address, request.headers.get("x-forwarded-for"), this.#trustedProxies);
    // Whoever guesses is not even compared for the rest of the second. Without a known peer all share one count, and
    // it may not lock the operator out: there a right token still passes.
    if (address !== null && this.#failures.isOver(address)) throw tooManyFailures();
    if (await this.#isAllowed(request, peer)) return;
    if (this.#failures.add(address ?? "unknown")) throw tooManyFailures();
    throw new WebhookError("unauthorized", "Cannot answer without the admin token");
  }

  async #isAllowed(request: Incoming, peer: Peer | undefined): Promise<boolean> {
    if (this.#isTryOut && isLocal(request, peer, this.#signatureHeaders)) return true;
    // `=== true`: many libraries' functions of this name return a response, and every object is truthy.
    if (this.#authorize !== undefined) return (await this.#authorize(toRequest(request))) === true;
    const token = bearerToken(request.headers.get("authorization"));
    return token !== null && isSameToken(token, this.#digests);
  }
}

/**
 * True for a request that comes from this machine, by all that can be seen: in try-out mode it needs neither
 * signature nor token. A proxy that hides itself cannot be seen, hence a mode for trying out and nothing more.
 *
 * @param peer where our own listener has taken the connection; a host app's request has none and is never local
 * @param signatureHeaders in lower case; who signs wants to be verified
 */
export function isLocal(
  request: Incoming,
  peer: Peer | undefined,
  signatureHeaders: Iterable<string>,
): boolean {
  if (peer === undefined || !isLoopbackAddress(peer.address) || !isLoopbackHost(peer.host, peer.port)) {
    return false;
  }
  for (const name of request.headers.keys()) if (PROXY_HEADER.test(name)) return false;
  for (const name of signatureHeaders) if (request.headers.has(name)) return false;
  return !isForeign(request.headers, [peer.host]);
}

const PROXY_HEADER = /^(?:forwarded|x-forwarded(?:-.*)?|x-real-ip|via|cf-.*|true-client-ip)$/i;

/** A page of another name that resolves to this machine (DNS rebinding) sends its own name as `Host`. */
function isLoopbackHost(host: string | null, port: number): boolean {
  const match = /^(localhost|[\d.]+|\[[\d:a-f]+\])(?::(\d{1,5}))?$/i.exec(host ?? "");
  if (match === null) return false;
  const name = (match[1] ?? "").toLowerCase();
  const isLoopback = name === "localhost" || isLoopbackAddress(name.replace(/[[\]]/g, ""));
  return isLoopback && Number(match[2] ?? "80") === port;
}

/**
 * True where a browser says that a page of another site asks. Programs send neither header.
 *
 * @param ownHosts with port where it is not the scheme's own; the scheme is not compared, because a proxy may have
 *   ended TLS
 */
function isForeign(headers: IncomingHeaders, ownHosts: readonly (string | null)[]): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin" && site !== "none") return true;
  const origin = headers.get("origin");
  if (origin === null) return false;
  const [scheme = "", originHost = ""] = origin.split("://");
  if (scheme !== "http" && scheme !== "https") return true;
  return !ownHosts.some((host) => host !== null && isSameHost(scheme, originHost, host));
}

/** Compared as URLs, so that a default port or upper case makes no difference. */
function isSameHost(scheme: string, a: string, b: string): boolean {
  try {
    return new URL(`${scheme}://${a}`).host === new URL(`${scheme}://${b}`).host;
  } catch {
    return false;
  }
}

/** The token of `Authorization: Bearer`; two such headers show as `Bearer a, Bearer b` and give none. */
function bearerToken(authorization: string | null): string | null {
  return /^Bearer +([!-~]+)$/i.exec(authorization ?? "")?.[1] ?? null;
}

function tooManyFailures(): WebhookError {
  return new WebhookError("too_many_failures", "Cannot check more tokens from here within this second");
}
