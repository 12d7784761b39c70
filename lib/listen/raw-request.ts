import { WebhookError } from "../errors.ts";
import type { RawHeaders } from "./node-request.ts";

/** Headers of which a second one is refused: whoever reads the first and whoever reads the last would disagree. */
const ONCE: readonly string[] = [
  "host",
  "authorization",
  "content-type",
  "content-length",
  "idempotency-key",
];

/** What every route can be written in: RFC 3986's path characters but `%`, because no route needs an escape. */
const PATH = /^(?:\/[\w.~!$&'()*+,;=:@-]*)+$/;
/** Any visible ASCII but `#`; a URL parser would take what follows that one for itself. */
const QUERY = /^[\x21\x22\x24-\x7e]*$/;

/**
 * Checks a request as it came over the wire, before any URL parser could make two spellings of a path one.
 *
 * @param target origin-form, or absolute-form whose authority equals `Host`
 * @param headers as they arrived
 * @returns path and query, where the path has no `%`, no `//` and no dot segment
 * @throws {WebhookError} `header_repeated`, `target_invalid` (no `Host` in HTTP/1.1), `not_found` (any other target)
 */
export function checkRawRequest(target: string, headers: RawHeaders, httpVersion: string): string {
  for (const name of ONCE) {
    if (headers.count(name) > 1) {
      throw new WebhookError("header_repeated", `Cannot take two ${name} headers: send one`);
    }
  }
  const host = headers.get("host");
  if (host === null && httpVersion === "1.1") {
    throw new WebhookError(
      "target_invalid",
      "Cannot take an HTTP/1.1 request without a host header: send one",
    );
  }
  const path = originForm(target, host);
  if (path === null || !isPlain(path)) {
    throw new WebhookError("not_found", "Cannot find this path: send it as the documentation spells it");
  }
  return path;
}

/** Path and query of a target; null where it is in another form or names another host. */
function originForm(target: string, host: string | null): string | null {
  if (target.startsWith("/")) return target;
  const absolute = /^https?:\/\/([^/?#]+)(.*)$/i.exec(target);
  if (absolute === null || absolute[1]?.toLowerCase() !== host?.toLowerCase()) return null;
  const rest = absolute[2] ?? "";
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function isPlain(pathAndQuery: string): boolean {
  const mark = pathAndQuery.indexOf("?");
  const path = mark === -1 ? pathAndQuery : pathAndQuery.slice(0, mark);
  const query = mark === -1 ? "" : pathAndQuery.slice(mark + 1);
  return PATH.test(path) && QUERY.test(query) && !/\/\/|\/\.\.?(?:\/|$)/.test(path);
}
