import type { IncomingHeaders } from "../incoming.ts";

/** A URL that the provider may have been given in place of the one that we know. */
export interface UrlVariant {
  readonly url: string;
  /** Without its query, in which people put tokens. */
  readonly shown: string;
  /** What to set as the public URL; null where no public URL makes this one of the path that was called. */
  readonly publicUrl: string | null;
}

/** What the URL depends on. */
export interface UrlSource {
  /** The URL that was tried; null where none is known. */
  readonly url: string | null;
  /** Path and query as they arrived. */
  readonly target: string;
  readonly headers: IncomingHeaders;
}

/** Longer ones are not worth a MAC each. */
const URL_LENGTH_MAX = 4_096;

/**
 * The URLs under which the same request may have been sent, the likeliest first; each once, and never the known one.
 * Host and forwarded headers are anybody's to write, so they are tried and not trusted.
 */
export function* urlVariants({ url, target, headers }: UrlSource): Generator<UrlVariant> {
  const [path = "/", query] = splitOnce(target, "?");
  const origins = originsOf(url, headers);
  const prefix = url === null ? "" : publicPrefix(url, path);
  const forwarded = pathOf(headers.get("x-forwarded-prefix"))?.replace(/\/$/, "") ?? null;
  const outer = pathOf(
    headers.get("x-original-uri") ?? headers.get("x-forwarded-uri") ?? headers.get("x-original-url"),
  );
  const [outerPath = "", outerQuery] = splitOnce(outer ?? "", "?");
  const slashed = path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
  // What the request's own headers say comes before what is guessed.
  const ends: readonly (readonly [path: string, query: string | undefined])[] = [
    [prefix + path, query],
    ...(forwarded === null ? [] : ([[forwarded + path, query]] as const)),
    ...(outer === null
      ? []
      : ([
          [outerPath, outerQuery],
          [outerPath, query],
        ] as const)),
    [prefix + slashed, query],
    ...(query === undefined ? [] : ([[prefix + path, undefined]] as const)),
    ...(prefix === "" ? [] : ([[path, query]] as const)),
    ...respelled(query).map((spelled) => [prefix + path, spelled] as const),
    ...(query === undefined ? [] : ([[prefix + slashed, undefined]] as const)),
  ];
  const seen = new Set([url]);
  // Pairs in the order of how much is different from what we know: few are far from it in two ways.
  const pairs = ends.flatMap((end, far) =>
    origins.map((origin, away) => ({ origin, end, cost: far + away })),
  );
  for (const { origin, end } of pairs.sort((a, b) => a.cost - b.cost)) {
    const [endPath, endQuery] = end;
    const spelled = origin + endPath + (endQuery === undefined ? "" : `?${endQuery}`);
    if (seen.has(spelled) || spelled.length > URL_LENGTH_MAX) continue;
    seen.add(spelled);
    const isOurs = endQuery === query && endPath.endsWith(path);
    yield {
      url: spelled,
      shown: origin + endPath,
      publicUrl: isOurs ? origin + endPath.slice(0, endPath.length - path.length) : null,
    };
  }
}

/** The known origin first, then what the request's own headers say, then other spellings of them. */
function originsOf(url: string | null, headers: IncomingHeaders): readonly string[] {
  const known = /^https?:\/\/[^/?#]+/.exec(url ?? "")?.[0];
  const host = hostOf(headers.get("host"));
  const forwardedHost = hostOf(headers.get("x-forwarded-host") ?? headers.get("x-original-host"));
  const port = /^\d{1,5}$/.exec(headers.get("x-forwarded-port") ?? "")?.[0];
  const named = forwardedHost ?? host;
  const ported = port === undefined || named === null ? null : `${withoutPort(named)}:${port}`;
  const hosts = [forwardedHost, ported, host].filter((name) => name !== null);
  const spellings =
    known === undefined ? [] : [swapScheme(known), togglePort(known), togglePort(swapScheme(known))];
  const origins = [
    ...(known === undefined ? [] : [known]),
    ...hosts.slice(0, 1).map((name) => `https://${name}`),
    ...spellings.slice(0, 1),
    ...hosts.map((name) => `https://${name}`),
    ...spellings,
    ...hosts.map((name) => `http://${name}`),
    ...(known === undefined ? [] : [known.replace(/:\d+$/, ""), toggleWww(known)]),
    ...hosts.flatMap((name) => [`https://${withoutPort(name)}`, `http://${withoutPort(name)}`]),
  ];
  return [...new Set(origins)];
}

/** The query with its blanks spelled otherwise, and its fields in other orders. */
function respelled(query: string | undefined): readonly string[] {
  if (query === undefined) return [];
  const fields = query.split("&");
  return [
    query.replaceAll("%20", "+"),
    query.replaceAll("+", "%20"),
    [...fields].sort().join("&"),
    fields.reverse().join("&"),
  ];
}

/** The part of the public URL's path that stands before the path that was called. */
function publicPrefix(url: string, path: string): string {
  const [whole = ""] = splitOnce(url.replace(/^https?:\/\/[^/?#]+/, ""), "?");
  return whole.endsWith(path) ? whole.slice(0, whole.length - path.length) : "";
}

function swapScheme(origin: string): string {
  return origin.startsWith("https:") ? `http:${origin.slice(6)}` : `https:${origin.slice(5)}`;
}

function togglePort(origin: string): string {
  const usual = origin.startsWith("https:") ? ":443" : ":80";
  return /:\d+$/.test(origin) ? origin.replace(/:\d+$/, "") : origin + usual;
}

function toggleWww(origin: string): string {
  return origin.includes("://www.") ? origin.replace("://www.", "://") : origin.replace("://", "://www.");
}

function withoutPort(host: string): string {
  return host.replace(/:\d+$/, "");
}

/** The first of what several hops have said; null for what is no host. */
function hostOf(list: string | null): string | null {
  const text = list === null ? null : (list.split(",", 1)[0] ?? "").trim();
  return text !== null && text.length <= 255 && /^[A-Za-z0-9.[\]:_-]+$/.test(text) ? text : null;
}

function pathOf(text: string | null): string | null {
  return text !== null && text.length <= URL_LENGTH_MAX && /^\/[!-~]*$/.test(text) ? text : null;
}

function splitOnce(text: string, mark: string): [string, string?] {
  const at = text.indexOf(mark);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
