import { asText, fillTemplate, type Lookup, type Template, type Values } from "../template.ts";
import { UnfilledError } from "../unfilled-error.ts";

/** A URL with lookups, cut where it says to whom the request goes. */
export interface UrlTemplate {
  /** Scheme, host and port: literal, or with lookups, or one lookup that gives the URL or its beginning. */
  readonly origin: Template;
  /** Parts of the path, each without the slash before it. */
  readonly segments: readonly Template[];
  /** From the `?` or `#` on. */
  readonly tail: Template;
}

/** The longest URL with everything filled in, in characters; servers commonly take no more than 8 KiB. */
export const URL_LENGTH_MAX = 8_192;

/** The part before the first `/`, `?` or `#` behind the host is the origin; what a lookup finds never moves that. */
export function cutUrl(template: Template): UrlTemplate {
  const [first] = template;
  // A lookup in front gives the beginning as it is; of a literal the slashes behind the scheme are passed over.
  const scheme = typeof first === "string" ? (/^https?:\/\//i.exec(first)?.[0] ?? "") : "";
  const rest = typeof first === "string" ? [first.slice(scheme.length), ...template.slice(1)] : template;
  const [origin, behind] = cutAt(rest, /[/?#]/);
  const [path, tail] = cutAt(behind, /[?#]/);
  return {
    origin: scheme === "" ? origin : withBefore(scheme, origin),
    segments: segmentsOf(path),
    tail,
  };
}

/**
 * The URL. Behind the origin what a lookup finds is percent-encoded, so that it stays in its part.
 *
 * @throws {UnfilledError} what was found cannot stand there; the message has none of it
 */
export function fillUrl({ origin, segments, tail }: UrlTemplate, values: Values): URL {
  const start = fillOrigin(origin, values);
  if (/[?#]/.test(start) && segments.length + tail.length > 0) {
    throw new UnfilledError(
      "http.url",
      'the lookup it begins with reads a URL with "?" or "#" in it, which takes in what the file has behind it',
    );
  }
  const text = [
    start,
    ...segments.map((segment) => `/${fillSegment(segment, values)}`),
    ...tail.map((part) => (typeof part === "string" ? part : encode(part, values))),
  ].join("");
  if (text.length > URL_LENGTH_MAX) {
    throw new UnfilledError(
      "http.url",
      `it has over ${URL_LENGTH_MAX} characters; send what is long in the body`,
    );
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !isWebUrl(url)) {
    throw new UnfilledError("http.url", "what comes of it is no http or https URL without user and password");
  }
  url.hash = "";
  return url;
}

/** True for an http or https URL without user and password in it. */
export function isWebUrl(url: URL): boolean {
  return /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
}

/** True where what a lookup finds says to whom the request goes. */
export function hasOpenOrigin({ origin }: UrlTemplate): boolean {
  return origin.some((part) => typeof part === "object");
}

function fillOrigin(origin: Template, values: Values): string {
  return origin
    .map((part, index) => {
      if (typeof part === "string") return part;
      const text = asText(fillTemplate([part], values));
      // What URL drops or reads as a slash would make the host another than the one that is seen here.
      const fits = index === 0 ? /^https?:\/\/[^\s\\]+$/i : /^[A-Za-z0-9.-]+$/;
      if (fits.test(text)) return text;
      const form =
        index === 0
          ? "a URL that begins with http:// or https:// and has no blank, line break or backslash"
          : "part of a host's name";
      throw new UnfilledError(`${part.text} of http.url`, `what it reads is not ${form}`);
    })
    .join("");
}

/** @throws {UnfilledError} a lookup's value that would make the path lead elsewhere */
function fillSegment(segment: Template, values: Values): string {
  const text = segment.map((part) => (typeof part === "string" ? part : encode(part, values))).join("");
  const lookup = segment.find((part) => typeof part === "object");
  const reads = text.replaceAll(/%2e/gi, ".");
  if (lookup === undefined || !["", ".", ".."].includes(reads)) return text;
  const what = reads === "" ? "nothing" : `"${reads}"`;
  throw new UnfilledError(
    `${lookup.text} of http.url`,
    `it makes ${what} a part of the path, which leads to another place`,
  );
}

function encode(lookup: Lookup, values: Values): string {
  try {
    return encodeURIComponent(asText(fillTemplate([lookup], values)));
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    throw new UnfilledError(`${lookup.text} of http.url`, "it has half a character (a lone surrogate)");
  }
}

/** The template up to the first such character of its literal text, and from there on. */
function cutAt(template: Template, end: RegExp): [Template, Template] {
  for (const [index, part] of template.entries()) {
    const at = typeof part === "string" ? part.search(end) : -1;
    if (typeof part === "string" && at >= 0) {
      const before = [...template.slice(0, index), part.slice(0, at)];
      return [before.filter(isSome), [part.slice(at), ...template.slice(index + 1)]];
    }
  }
  return [template.filter(isSome), []];
}

function segmentsOf(path: Template): Template[] {
  const segments: (string | Lookup)[][] = [];
  for (const part of path) {
    // The path begins with a slash, so the first literal opens the first segment.
    if (typeof part === "object") segments.at(-1)?.push(part);
    else {
      const [before = "", ...others] = part.split("/");
      if (before !== "") segments.at(-1)?.push(before);
      segments.push(...others.map((text) => (text === "" ? [] : [text])));
    }
  }
  return segments;
}

function withBefore(text: string, template: Template): Template {
  const [first, ...others] = template;
  return typeof first === "string" ? [text + first, ...others] : [text, ...template];
}

function isSome(part: string | Lookup): boolean {
  return part !== "";
}
