import { encodeText } from "../../json.ts";
import {
  asText,
  compileTemplates,
  fillTemplate,
  parseTemplate,
  type Template,
  type Values,
} from "../template.ts";
import { UnfilledError } from "../unfilled-error.ts";
import { isHeaderValue, isKeptElsewhere } from "./header-rules.ts";
import type { HttpForm } from "./http-form.ts";
import { cutUrl, fillUrl } from "./url-template.ts";

/** A request that is ready to go. */
export interface Outgoing {
  readonly method: string;
  readonly url: URL;
  /** By name in lower case; without what the connection itself needs. */
  readonly headers: ReadonlyMap<string, OutgoingHeader>;
  readonly body: Uint8Array | null;
}

export interface OutgoingHeader {
  readonly value: string;
  /** True where it may go to another origin. */
  readonly isKeptElsewhere: boolean;
}

/** RFC 9110, section 7.6.3. A Latchhook that gets it knows that a workflow sent it, and that no person did. */
const VIA = "1.1 latchhook";

/** The largest body, in bytes: four results of steps in full size. */
export const REQUEST_BYTES_MAX = 4_194_304;
/** The node's own headers, names and values, in bytes; servers commonly take no more than 16 KiB in all. */
export const REQUEST_HEADERS_MAX = 12_288;

/**
 * A function that fills the node's request.
 *
 * @returns it throws an `UnfilledError` where what was filled in cannot be sent; the message has none of it
 */
export function compileRequest(form: HttpForm): (values: Values) => Outgoing {
  const url = cutUrl(parseTemplate(form.url));
  const headers = Object.entries(form.headers ?? {}).map(
    ([name, value]) => [name.toLowerCase(), parseTemplate(value)] as const,
  );
  const [type, fillBody] = compileBody(form);
  const method = form.method ?? (fillBody === null ? "GET" : "POST");
  return (values) => {
    const text = fillBody === null ? null : fillBody(values);
    // JSON has escapes for it; as UTF-8 it would become another character.
    if (text !== null && /\p{Surrogate}/u.test(text)) {
      throw new UnfilledError("http.body", "it has half a character (a lone surrogate)");
    }
    const body = text === null ? null : encodeText(text);
    if (body !== null && body.byteLength > REQUEST_BYTES_MAX) {
      throw new UnfilledError(
        form.json === undefined ? "http.body" : "http.json",
        `it has ${body.byteLength} bytes, and at most ${REQUEST_BYTES_MAX} are sent`,
      );
    }
    const filled = new Map<string, OutgoingHeader>([
      ["accept", { value: "*/*", isKeptElsewhere: true }],
      ["accept-encoding", { value: "identity", isKeptElsewhere: true }],
      ["user-agent", { value: "latchhook", isKeptElsewhere: true }],
    ]);
    if (type !== null) filled.set("content-type", { value: type, isKeptElsewhere: true });
    for (const [name, template] of headers) filled.set(name, fillHeader(name, template, values));
    checkLength(filled);
    // Last, and no name that the form lets through: nobody takes it away.
    filled.set("via", { value: VIA, isKeptElsewhere: true });
    return { method, url: fillUrl(url, values), headers: filled, body };
  };
}

function compileBody(form: HttpForm): [type: string | null, fill: ((values: Values) => string) | null] {
  if (form.json !== undefined) {
    const fill = compileTemplates(form.json);
    return ["application/json", (values) => JSON.stringify(fill(values))];
  }
  if (form.body === undefined) return [null, null];
  const template = parseTemplate(form.body);
  return ["text/plain; charset=utf-8", (values) => asText(fillTemplate(template, values))];
}

function fillHeader(name: string, template: Template, values: Values): OutgoingHeader {
  const value = asText(fillTemplate(template, values));
  if (!isHeaderValue(value)) {
    throw new UnfilledError(
      `http.headers.${name}`,
      "its value has a line break or what is not printable ASCII",
    );
  }
  const readsEnv = template.some((part) => typeof part === "object" && part.root === "env");
  return { value, isKeptElsewhere: isKeptElsewhere(name) && !readsEnv };
}

function checkLength(headers: ReadonlyMap<string, OutgoingHeader>): void {
  let length = 0;
  for (const [name, { value }] of headers) length += name.length + value.length;
  if (length > REQUEST_HEADERS_MAX) {
    throw new UnfilledError(
      "http.headers",
      `they have ${length} bytes, and at most ${REQUEST_HEADERS_MAX} are sent`,
    );
  }
}
