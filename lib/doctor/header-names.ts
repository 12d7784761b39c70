import type { IncomingHeaders } from "../incoming.ts";

const NAMES_MAX = 40;
const NAME_LENGTH_MAX = 64;

/** What people call headers that carry a signature or a token. */
const SIGNATURE_LIKE = /signature|hmac|(?:^|-)(?:sig|sign|signed|mac|digest|token|secret)(?:-|$)/;

/** Proxies and networks say by these that they had the request in hand. */
const ON_THE_WAY =
  /^(?:via|forwarded|x-forwarded-.*|x-real-ip|cf-.*|x-amz.*|x-cache.*|x-envoy-.*|x-vercel-.*|fly-.*)$/;

/** The names of all headers that came, in order; of many some. */
export function headerNames(headers: IncomingHeaders): readonly string[] {
  return [...headers.keys()]
    .filter((name) => name.length <= NAME_LENGTH_MAX)
    .sort()
    .slice(0, NAMES_MAX);
}

/** Of them those that may carry a signature, by their names. */
export function signatureLike(headers: IncomingHeaders): readonly string[] {
  return headerNames(headers).filter((name) => SIGNATURE_LIKE.test(name));
}

/** Of them those that something on the way has added. */
export function onTheWay(headers: IncomingHeaders): readonly string[] {
  return headerNames(headers).filter((name) => ON_THE_WAY.test(name));
}

/** How many words two names share, but for those that any such name has. */
export function wordsShared(a: string, b: string): number {
  const words = new Set(wordsOf(a));
  return wordsOf(b).filter((word) => words.has(word)).length;
}

function wordsOf(name: string): readonly string[] {
  return name.split("-").filter((word) => !COMMON.has(word) && word !== "");
}

const COMMON: ReadonlySet<string> = new Set([
  "x",
  "signature",
  "hmac",
  "token",
  "secret",
  "sign",
  "256",
  "sha256",
  "v1",
  "v3",
]);
