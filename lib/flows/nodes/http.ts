import { type Clock, systemClock } from "../../clock.ts";
import { FatalError, RetryError } from "../../workflow-errors.ts";
import { withDeadline } from "../deadline.ts";
import { show } from "../fault.ts";
import { ANY_TYPE, type FieldType } from "../field-type.ts";
import { type AllowedHost, isAllowedHost, parseAllowedHost } from "../http/allowed-hosts.ts";
import { type CallRules, call } from "../http/call.ts";
import { CallFailure } from "../http/call-failure.ts";
import { checkHttp } from "../http/check-http.ts";
import { EXPECTED_BY_DEFAULT } from "../http/expected-status.ts";
import { type HttpForm, httpForm, REDIRECTS_BY_DEFAULT, TIMEOUT_BY_DEFAULT } from "../http/http-form.ts";
import { resultOf } from "../http/http-result.ts";
import { compileRequest } from "../http/outgoing.ts";
import { type Network, systemNetwork } from "../http/resolve-host.ts";
import { cutUrl, hasOpenOrigin } from "../http/url-template.ts";
import type { NodeCheck, NodeContext, NodeForm, NodeKind, RunNode } from "../node-kind.ts";
import { outputsOf } from "../outputs.ts";
import { parseTemplate } from "../template.ts";

/** What calls need of the machine. */
export interface HttpGivens {
  readonly network: Network;
  readonly clock: Clock;
  /** Certificates that are trusted in place of the runtime's own, in PEM. */
  readonly ca?: string;
}

/** Calls an HTTP API. The result is the answer's status, headers and body. */
export const http: NodeKind<HttpForm> = createHttp({ network: systemNetwork, clock: systemClock });

/** The kind over givens of its own, for tests. */
export function createHttp(givens: HttpGivens): NodeKind<HttpForm> {
  return {
    form: httpForm,
    options: {},
    isGroup: false,
    partsOf: () => PARTS,
    check(form, node, check) {
      checkHttp(form, check);
      checkParts(form, node, check);
    },
    prepare: (form, node) => prepare(form, node.id, givens),
  };
}

const PARTS: ReadonlyMap<string, FieldType> = new Map<string, FieldType>([
  ["status", { kind: "int" }],
  ["headers", { kind: "dict", key: "str", value: { kind: "str" } }],
  ["body", ANY_TYPE],
]);

/** Parts that no answer has. */
function checkParts({ method }: HttpForm, node: NodeForm, check: NodeCheck): void {
  for (const { field, path } of outputsOf(node, PARTS)) {
    const place = ["outputs", Array.isArray(node.outputs) ? node.outputs.indexOf(field) : field];
    const [part, name = ""] = path;
    if (part === "headers" && name !== name.toLowerCase()) {
      const way = `the names of headers are in lower case; write headers.${name.toLowerCase()}`;
      check.fault(place, `Cannot take ${show(path.join("."))} for ${field}: ${way}`);
    }
    if (part === "body" && method === "HEAD")
      check.fault(place, `Cannot take ${show(path.join("."))} for ${field}: an answer to HEAD has no body`);
  }
}

function prepare(form: HttpForm, id: string, givens: HttpGivens): RunNode {
  const fill = compileRequest(form);
  const hosts = form.allow_hosts?.map(parseAllowedHost).filter((host) => host !== null) ?? null;
  const hasOpenHost = hasOpenOrigin(cutUrl(parseTemplate(form.url)));
  const rules: CallRules = {
    expect: form.expect === undefined ? EXPECTED_BY_DEFAULT : [form.expect].flat(),
    hosts,
    allowPrivate: form.allow_private === true,
    redirectsMax: form.redirects ?? REDIRECTS_BY_DEFAULT,
  };
  const ms = (form.timeout ?? TIMEOUT_BY_DEFAULT) * 1_000;
  return async ({ values, signal }: NodeContext) => {
    const outgoing = fill(values);
    const { clock, network, ca } = givens;
    try {
      if (hasOpenHost) checkHost(outgoing.url, hosts ?? []);
      return await withDeadline(
        { clock, ms, signal, late: () => new CallFailure(`took over ${ms / 1_000} s`) },
        async (stop) =>
          resultOf(await call(outgoing, rules, { network, ca, now: () => clock.now(), signal: stop })),
      );
    } catch (error) {
      throw error instanceof CallFailure ? asThrown(error, describe(form, outgoing.method, id)) : error;
    }
  };
}

/** The host was chosen by a lookup; what it found is not shown. */
function checkHost(url: URL, hosts: readonly AllowedHost[]): void {
  if (isAllowedHost(url, hosts)) return;
  const way = "where a name without port stands for port 443";
  throw new CallFailure(`its host and port are not in allow_hosts, ${way}`, { isFinal: true });
}

/** What ends the attempt, or the run, as the runner knows it. Without a cause, which would show what was filled in. */
function asThrown({ message, isFinal, afterMs }: CallFailure, what: string): Error {
  const text = `Cannot call ${what}: ${message}`;
  if (isFinal) return new FatalError(text);
  return afterMs === null ? new Error(text) : new RetryError(text, { after: afterMs });
}

/** The URL as the file has it, without its query: what is written there by hand may be a key, too. */
function describe(form: HttpForm, method: string, id: string): string {
  const url = form.url.replace(/[?#].*$/s, "");
  return `${method} ${url.length > 200 ? `${url.slice(0, 197)}...` : url} in http node ${JSON.stringify(id)}`;
}
