import { type AllowedHost, isAllowedHost, portOf } from "./allowed-hosts.ts";
import { CallFailure } from "./call-failure.ts";
import type { Answer } from "./exchange.ts";
import type { Outgoing } from "./outgoing.ts";
import { isWebUrl } from "./url-template.ts";

/** True for a status that sends the request elsewhere; 300, 304 and 305 do not. */
export function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/**
 * The request that follows a redirect.
 *
 * @param hosts the node's `allow_hosts`; null where it has none
 * @throws {CallFailure} it leads where the request may not go
 * @see RFC 9110, section 15.4, and the Fetch standard, "HTTP-redirect fetch"
 */
export function followRedirect(
  from: Outgoing,
  answer: Answer,
  hosts: readonly AllowedHost[] | null,
): Outgoing {
  const url = targetOf(from.url, answer);
  if (from.url.protocol === "https:" && url.protocol === "http:") {
    throw refuse("it leads from https to http");
  }
  const isListed = hosts !== null && isAllowedHost(url, hosts);
  if (hosts !== null && !isListed && !isSameHost(from.url, url)) {
    throw refuse("it leads to a host that is not in allow_hosts");
  }
  const isElsewhere = from.url.origin !== url.origin;
  const next = isTurnedToGet(from.method, answer.status) ? asGet(from) : from;
  const isSafe = next.method === "GET" || next.method === "HEAD" || next.method === "OPTIONS";
  if (isElsewhere && (!isSafe || next.body !== null) && !isListed) {
    const what = `a ${next.method}${isSafe ? " with a body" : ""}`;
    throw refuse(`${what} goes to another origin only where allow_hosts has it`);
  }
  const headers = isElsewhere
    ? new Map([...next.headers].filter(([, header]) => header.isKeptElsewhere))
    : next.headers;
  return { ...next, url, headers };
}

function targetOf(base: URL, { headers }: Answer): URL {
  if (headers.location === undefined) {
    throw new CallFailure("its redirect has no location", { isFinal: true });
  }
  const location = asUtf8(headers.location);
  const url = URL.canParse(location, base) ? new URL(location, base) : null;
  if (url === null || !isWebUrl(url)) {
    throw new CallFailure("its redirect leads to no http or https URL without user and password", {
      isFinal: true,
    });
  }
  url.hash = "";
  return url;
}

/** A header is read byte by byte; where the bytes are UTF-8, as browsers take them, they are a text of it. */
function asUtf8(header: string): string {
  if (!/[\x80-\xff]/.test(header) || /[^\0-\xff]/.test(header)) return header;
  const bytes = Uint8Array.from(header, (character) => character.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return header;
  }
}

/** One host: the same name at the same port, or at the usual one of either scheme. */
function isSameHost(from: URL, to: URL): boolean {
  const isUsual = from.port === "" && to.port === "";
  return from.hostname === to.hostname && (isUsual || portOf(from) === portOf(to));
}

/** 303 says that the answer is to be fetched; 301 and 302 are taken so for POST, as browsers always have. */
function isTurnedToGet(method: string, status: number): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD";
  return (status === 301 || status === 302) && method === "POST";
}

function asGet(from: Outgoing): Outgoing {
  const headers = new Map([...from.headers].filter(([name]) => !name.startsWith("content-")));
  return { ...from, method: "GET", body: null, headers };
}

/** Without the host: the server has chosen it, and may have put in it what it was sent. */
function refuse(why: string): CallFailure {
  return new CallFailure(`its redirect is refused: ${why}`, { isFinal: true });
}
