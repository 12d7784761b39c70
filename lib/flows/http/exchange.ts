import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { LookupFunction } from "node:net";
import { CallFailure } from "./call-failure.ts";
import type { Outgoing } from "./outgoing.ts";

/** What came back. */
export interface Answer {
  readonly status: number;
  /** By name in lower case. A name that came several times has its values joined by ", ", set-cookie by line breaks. */
  readonly headers: Readonly<Record<string, string>>;
  /** As it was sent, so still packed; empty where it was not wanted. */
  readonly body: Uint8Array;
}

/** Where the request goes and how long it may. */
export interface Way {
  /** The addresses to connect to, one at least. The name is not asked for again. */
  readonly addresses: readonly string[];
  /** Certificates that are trusted in place of the runtime's own, in PEM. */
  readonly ca: string | undefined;
  /** Ends the connection; its reason is what the exchange fails with. */
  readonly signal: AbortSignal;
}

/**
 * The largest body, in bytes. A step's result has at most 1 MiB of JSON: the last 64 KiB of it are for status and
 * headers, and for what JSON's escapes add to a usual text.
 */
export const ANSWER_BYTES_MAX = 983_040;
/** The largest head of an answer, in bytes; what the runtimes take where nobody says. */
export const ANSWER_HEAD_MAX = 16_384;

/**
 * Sends one request over a connection of its own and reads what is wanted of the answer; what is not wanted, or too
 * much, ends the connection at once.
 *
 * @param isWanted true for a status of which the body is read
 * @throws {CallFailure} no answer, or one that cannot be taken; the message has nothing that was filled in
 */
export function exchange(
  outgoing: Outgoing,
  way: Way,
  isWanted: (status: number) => boolean,
): Promise<Answer> {
  const { url, body, method } = outgoing;
  const { signal } = way;
  const isSecure = url.protocol === "https:";
  // Given here, they are no proxy: one named by the environment would connect wherever its own DNS says.
  const agentOptions = { keepAlive: false, proxyEnv: {} };
  const options = {
    method,
    hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? (isSecure ? 443 : 80) : Number(url.port),
    path: `${url.pathname}${url.search}`,
    headers: headersOf(outgoing),
    lookup: pinTo(way.addresses),
    maxHeaderSize: ANSWER_HEAD_MAX,
  };
  return new Promise((resolve, reject) => {
    const sent = isSecure
      ? requestHttps({
          ...options,
          agent: new HttpsAgent(agentOptions),
          // Said aloud, for else a variable of the environment could turn it off. It is the name that is verified.
          rejectUnauthorized: true,
          ...(way.ca === undefined ? {} : { ca: way.ca }),
        })
      : requestHttp({ ...options, agent: new HttpAgent(agentOptions) });
    const onAbort = (): void => fail(signal.reason);
    const end = (): void => {
      signal.removeEventListener("abort", onAbort);
      sent.destroy();
    };
    const fail = (reason: unknown): void => {
      reject(reason);
      end();
    };
    const onError = (error: Error): void => fail(failureOf(error));
    // It stays after the end: an error that nobody listens for would end the process.
    sent.on("error", onError);
    // A head that never came, or 101, which nobody asked for.
    let isCutAs = "the connection ended without an answer";
    sent.on("close", () => fail(new CallFailure(isCutAs)));
    sent.on("response", (response) => {
      isCutAs = CUT_BODY;
      response.on("error", onError);
      const status = response.statusCode ?? 0;
      const headers = joinHeaders(response.rawHeaders);
      const done = (read: Uint8Array): void => {
        resolve({ status, headers, body: read });
        end();
      };
      if (!isWanted(status)) done(new Uint8Array(0));
      else readBody(response, done, fail);
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    sent.end(body ?? undefined);
  });
}

/** Answers any question for a name with the addresses that were checked. */
function pinTo(addresses: readonly string[]): LookupFunction {
  const pinned = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  return (_hostname, options, answer) => {
    const [first] = pinned;
    if (options.all === true) answer(null, pinned);
    else answer(null, first?.address ?? "", first?.family);
  };
}

function headersOf({ headers, body, method }: Outgoing): Record<string, string> {
  const entries = [...headers].map(([name, { value }]) => [name, value]);
  // Without it the body would go in chunks, which some servers do not take; and POST without a body says so.
  if (body !== null || /^(?:POST|PUT|PATCH)$/.test(method)) {
    entries.push(["content-length", String(body?.byteLength ?? 0)]);
  }
  return Object.fromEntries(entries);
}

function joinHeaders(raw: readonly string[]): Record<string, string> {
  const joined = new Map<string, string>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] ?? "").toLowerCase();
    const before = joined.get(name);
    const value = raw[at + 1] ?? "";
    // A cookie's date has a comma in it.
    joined.set(
      name,
      before === undefined ? value : `${before}${name === "set-cookie" ? "\n" : ", "}${value}`,
    );
  }
  return Object.fromEntries(joined);
}

const CUT_BODY = "its body ended before it was whole";

function readBody(
  response: IncomingMessage,
  done: (body: Uint8Array) => void,
  fail: (error: unknown) => void,
): void {
  // One buffer that doubles: of a list of chunks, each a byte long, the chunks would be the load.
  let buffer = new Uint8Array(0);
  let length = 0;
  response.on("data", (chunk: Uint8Array) => {
    const end = length + chunk.byteLength;
    if (end > ANSWER_BYTES_MAX) {
      fail(new CallFailure(`its body has over ${ANSWER_BYTES_MAX} bytes`, { isFinal: true }));
      return;
    }
    if (end > buffer.byteLength) {
      const grown = new Uint8Array(Math.min(Math.max(end, buffer.byteLength * 2), ANSWER_BYTES_MAX));
      grown.set(buffer.subarray(0, length));
      buffer = grown;
    }
    buffer.set(chunk, length);
    length = end;
  });
  response.on("end", () => {
    if (response.complete) done(buffer.subarray(0, length));
    else fail(new CallFailure(CUT_BODY));
  });
}

function failureOf(error: Error): CallFailure {
  const code = codeOf(error);
  if (code !== "HPE_HEADER_OVERFLOW") return new CallFailure(`failed with ${code}`);
  return new CallFailure(`its head has over ${ANSWER_HEAD_MAX} bytes`, { isFinal: true });
}

/** Such as ECONNREFUSED. The message beside it names addresses and what a certificate says. */
function codeOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,63}$/.test(code) ? code : "an unknown error";
}
