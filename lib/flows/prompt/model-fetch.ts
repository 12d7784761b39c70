import { type Clock, setLongTimer, systemClock } from "../../clock.ts";
import { joinBytes } from "../../join-bytes.ts";
import { FatalError, RetryError } from "../../workflow-errors.ts";
import { isRecord, show } from "../fault.ts";
import { RETRY_AFTER_MAX_MS, retryAfterMs } from "../http/retry-after.ts";
import { type Llm, llmText, PROVIDERS } from "./llm.ts";

/**
 * An answer's most bytes. What a node returns is stored as one step of at most 1 MiB, so a longer answer is of no use,
 * and a server that never ends one takes no memory.
 */
const ANSWER_BYTES_MAX = 1_000_000;

/** How much of a refusal is read for its codes. */
const REFUSAL_BYTES_MAX = 65_536;

/** How long one call may take until its last byte: long answers of slow models take a minute or two. */
const CALL_MS_MAX = 120_000;

/** The statuses for "later": too many requests, unavailable, and Anthropic's 529 for overloaded. */
const LATER = new Set([429, 503, 529]);

/** Those of 4xx that another try can change. */
const PASSING = new Set([408, 409, 425, 429]);

/** A call that failed and may succeed in the next attempt. Never with a key, a prompt or an answer. */
export class ModelError extends Error {
  override name = "ModelError";
}

/** What a test changes. */
export interface CallLimits {
  readonly clock: Clock;
  readonly fetch: typeof fetch;
}

/**
 * The `fetch` that the AI SDK calls: bounded in bytes and time, without redirects, and with every failure told in our
 * words, so that nothing of what was sent or answered comes into an error.
 *
 * @param nodeId for messages
 * @returns a function that throws `FatalError` for what no later attempt mends, `RetryError` for "later", else `ModelError`
 */
export function modelFetch(
  nodeId: string,
  llm: Llm,
  { clock, fetch: send }: CallLimits = { clock: systemClock, fetch },
): typeof fetch {
  const failed = `Cannot run prompt ${show(nodeId)}: ${llmText(llm)}`;
  return async (url, init = {}) => {
    const headers = new Headers(init.headers);
    // So that it is never taken for a local request by another Latchhook.
    headers.set("via", "1.1 latchhook");
    if (llm.key === null) headers.delete("authorization");
    const aborter = new AbortController();
    const { signal: outer } = init;
    const abort = (): void => aborter.abort(outer?.reason);
    if (outer?.aborted) abort();
    outer?.addEventListener("abort", abort, { once: true });
    const timer = setLongTimer(clock, () => aborter.abort(), CALL_MS_MAX);
    try {
      const response = await send(url, {
        ...init,
        headers,
        // A redirect would carry the key to wherever it points.
        redirect: "manual",
        signal: aborter.signal,
      });
      if (!response.ok) throw await refusalOf(response, failed, llm, clock);
      const bytes = await readBounded(response, ANSWER_BYTES_MAX);
      if (bytes === null) {
        throw new ModelError(`${failed} answered more than ${ANSWER_BYTES_MAX} bytes; set max_tokens`);
      }
      return new Response(bytes, { headers: { "content-type": "application/json" } });
    } catch (error) {
      if (outer?.aborted) throw outer.reason;
      if (error instanceof FatalError || error instanceof RetryError || error instanceof ModelError)
        throw error;
      if (aborter.signal.aborted) {
        throw new ModelError(`${failed} gave no whole answer within ${CALL_MS_MAX / 1_000} seconds`);
      }
      throw new ModelError(`${failed} gave no whole answer: the connection failed${codeOf(error)}`);
    } finally {
      timer.clear();
      outer?.removeEventListener("abort", abort);
    }
  };
}

async function refusalOf(response: Response, failed: string, llm: Llm, clock: Clock): Promise<Error> {
  const { status } = response;
  const words = await wordsOf(response, llm.key);
  const said = `${failed} answered status ${status}${words.length === 0 ? "" : ` (${words.join(", ")})`}`;
  const afterMs = LATER.has(status) ? waitMs(response.headers, clock.now()) : null;
  if (afterMs !== null) return new RetryError(said, { after: afterMs });
  if (status >= 500 || PASSING.has(status)) return new ModelError(said);
  return new FatalError(`${said}; ${wayOut(status, words, llm)}`);
}

function wayOut(status: number, words: readonly string[], { provider, keyName }: Llm): string {
  // Google's word for a wrong key comes with 400.
  if (status === 401 || status === 403 || words.includes("API_KEY_INVALID")) {
    if (keyName !== null) return `check ${keyName}`;
    const [name = "OPENAI_API_KEY, and use provider openai with api_base"] = PROVIDERS[provider].keyNames;
    return `it asks for a key: set ${name}`;
  }
  if (status === 404) return "check llm.model and the address";
  if (status >= 300 && status < 400) return "it points elsewhere: give that address as api_base";
  return "check llm, output_schema and how long the prompt is";
}

/**
 * The codes of a refusal, such as `invalid_request_error` and `model_not_found`. Its sentences are left out, for they
 * quote keys and prompts.
 */
async function wordsOf(response: Response, key: string | null): Promise<string[]> {
  const bytes = await readBounded(response, REFUSAL_BYTES_MAX).catch(() => null);
  const error = bytes === null ? null : errorOf(new TextDecoder().decode(bytes));
  if (error === null) return [];
  const details = Array.isArray(error.details) ? error.details.filter(isRecord) : [];
  const found = [error.type, error.status, error.code, error.param, ...details.map(({ reason }) => reason)];
  const words = found.filter(
    (word): word is string =>
      typeof word === "string" && /^[A-Za-z_][A-Za-z0-9_.]{0,63}$/.test(word) && !sharesKey(word, key),
  );
  return [...new Set(words)];
}

function sharesKey(word: string, key: string | null): boolean {
  return key !== null && (word.includes(key) || key.includes(word));
}

function errorOf(text: string): Record<string, unknown> | null {
  try {
    const body: unknown = JSON.parse(text);
    const error = isRecord(body) ? body.error : null;
    return isRecord(error) ? error : null;
  } catch {
    return null; // a page of a proxy in between
  }
}

/** Milliseconds to wait, also by the finer header of OpenAI; null where the server names no time ahead. */
function waitMs(headers: Headers, now: number): number | null {
  const text = headers.get("retry-after-ms")?.trim() ?? "";
  const ms = /^\d{1,15}(\.\d{1,15})?$/.test(text) ? Math.ceil(Number(text)) : 0;
  if (ms > 0) return Math.min(ms, RETRY_AFTER_MAX_MS);
  return retryAfterMs(headers.get("retry-after") ?? undefined, now);
}

/** The body's bytes; null where there are more than `max`, and then the rest is not taken from the wire. */
async function readBounded(response: Response, max: number): Promise<Uint8Array<ArrayBuffer> | null> {
  const reader = response.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.byteLength;
    if (size > max) {
      reader.cancel().catch(() => {});
      return null;
    }
    parts.push(part.value);
  }
  return joinBytes(parts);
}

/** The system's code for a broken connection, such as ` (ECONNREFUSED)`; messages of fetch may quote addresses. */
function codeOf(error: unknown): string {
  const causes = [error, error instanceof Error ? error.cause : null];
  const code = causes
    .map((cause) => (cause instanceof Error && "code" in cause ? cause.code : null))
    .find(isWord);
  return code === undefined ? "" : ` (${code})`;
}

function isWord(code: unknown): code is string {
  return typeof code === "string" && /^[A-Za-z0-9_]{1,40}$/.test(code);
}
