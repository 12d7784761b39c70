import { STATUS_CODES } from "node:http";
import type { AllowedHost } from "./allowed-hosts.ts";
import { CallFailure } from "./call-failure.ts";
import { type Answer, exchange } from "./exchange.ts";
import { isExpected, isPassing, type StatusPattern } from "./expected-status.ts";
import type { Outgoing } from "./outgoing.ts";
import { followRedirect, isRedirect } from "./redirect.ts";
import { type Network, resolveHost } from "./resolve-host.ts";
import { retryAfterMs } from "./retry-after.ts";

/** What holds for all requests of one call. */
export interface CallRules {
  readonly expect: readonly StatusPattern[];
  /** null where the node has no `allow_hosts`. */
  readonly hosts: readonly AllowedHost[] | null;
  readonly allowPrivate: boolean;
  readonly redirectsMax: number;
}

/** Where it is run. */
export interface CallGivens {
  readonly network: Network;
  /** Certificates that are trusted in place of the runtime's own, in PEM. */
  readonly ca: string | undefined;
  /** Epoch milliseconds. */
  now(): number;
  readonly signal: AbortSignal;
}

/**
 * Sends a request and follows its redirects, each to an address that was checked.
 *
 * @returns an answer whose status is expected
 * @throws {CallFailure} any other end
 */
export async function call(first: Outgoing, rules: CallRules, givens: CallGivens): Promise<Answer> {
  let outgoing = first;
  for (let followed = 0; ; followed++) {
    const answer = await callOnce(outgoing, rules, givens, followed > 0);
    if (isExpected(answer.status, rules.expect)) return answer;
    if (rules.redirectsMax === 0 || !isRedirect(answer.status)) throw unexpected(answer, rules, givens.now());
    if (followed >= rules.redirectsMax) {
      throw new CallFailure(`it was redirected more than ${rules.redirectsMax} times`, { isFinal: true });
    }
    outgoing = followRedirect(outgoing, answer, rules.hosts);
  }
}

async function callOnce(
  outgoing: Outgoing,
  rules: CallRules,
  givens: CallGivens,
  isRedirected: boolean,
): Promise<Answer> {
  const { network, ca, signal } = givens;
  const addresses = await resolveHost(outgoing.url, network, rules.allowPrivate, isRedirected);
  return exchange(outgoing, { addresses, ca, signal }, (status) => isExpected(status, rules.expect));
}

/** Without anything of the body, which may hold what the request did. */
function unexpected({ status, headers }: Answer, { expect }: CallRules, now: number): CallFailure {
  const reason = `answered ${[status, STATUS_CODES[status]].filter(Boolean).join(" ")}, where ${expect.join(", ")} is expected`;
  if (!isPassing(status)) return new CallFailure(reason, { isFinal: true });
  return new CallFailure(reason, { afterMs: retryAfterMs(headers["retry-after"], now) });
}
