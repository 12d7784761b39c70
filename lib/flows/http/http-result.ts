import { WebhookError } from "../../errors.ts";
import { JSON_LEVELS_MAX, parseJson } from "../../parse-json.ts";
import { CallFailure } from "./call-failure.ts";
import type { Answer } from "./exchange.ts";
import { unpack } from "./unpack.ts";

/** The parts of a node's result. */
export interface HttpResult {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** What JSON says where the content type is JSON, else text; null where nothing came. */
  body: unknown;
}

/** @throws {CallFailure} a body that cannot be read */
export async function resultOf(answer: Answer): Promise<HttpResult> {
  const { status, headers } = answer;
  const bytes = await unpack(answer.body, headers["content-encoding"]);
  return { status, headers, body: readBody(bytes, headers["content-type"] ?? "") };
}

function readBody(bytes: Uint8Array, contentType: string): unknown {
  if (bytes.byteLength === 0) return null;
  const [type = ""] = contentType.toLowerCase().split(";");
  if (!/^application\/json$|\/[^/]+\+json$|^text\/json$/.test(type.trim())) return decode(bytes, contentType);
  try {
    return parseJson(withoutMark(bytes));
  } catch (error) {
    if (!(error instanceof WebhookError)) throw error;
    const isTooDeep = error.code === "json_too_deep";
    const why = isTooDeep ? `nested over ${JSON_LEVELS_MAX} levels` : "cannot be read";
    throw new CallFailure(`its body is JSON by its content-type and ${why}`, { isFinal: isTooDeep });
  }
}

/** RFC 8259, section 8.1: a parser may pass over a byte order mark. */
function withoutMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

/** In the charset that is named where it is known, else UTF-8; what is not text in it becomes U+FFFD. */
function decode(bytes: Uint8Array, contentType: string): string {
  const [, charset = "utf-8"] = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType) ?? [];
  return decoderOf(charset).decode(bytes);
}

function decoderOf(charset: string): TextDecoder {
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}
