import type { IncomingMessage, ServerResponse } from "node:http";
import { nextTurn } from "../clock.ts";

/** How an answer goes out. */
export interface SendOptions {
  /** The connection ends with this answer. */
  isLast: boolean;
  /** Reads and drops what is left of the request's body; null where nothing is left. */
  discardBody: (() => void) | null;
  /** How long a sender may go on with a body that nobody wants, in milliseconds. */
  lingerMs: number;
}

/** Set by us or by Node for each connection, whatever the handler says. */
const HOP_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Writes status, headers and body, and resolves when the answer was handed to the socket or the sender is gone.
 *
 * @throws whatever the answer's body fails with; the head may be out by then
 */
export async function sendAnswer(
  req: IncomingMessage,
  res: ServerResponse,
  answer: Response,
  { isLast, discardBody, lingerMs }: SendOptions,
): Promise<void> {
  const isBodiless = req.method === "HEAD" || answer.status === 204 || answer.status === 304;
  const reader = isBodiless ? null : (answer.body?.getReader() ?? null);
  if (isBodiless) await answer.body?.cancel();
  if (res.destroyed) return void (await reader?.cancel());

  res.statusCode = answer.status;
  for (const [name, value] of answer.headers) {
    if (name === "set-cookie") res.appendHeader(name, value);
    else if (!HOP_HEADERS.has(name)) res.setHeader(name, value);
  }
  const length = req.method === "HEAD" ? answer.headers.get("content-length") : null;
  if (length !== null) res.setHeader("Content-Length", length);
  if (isLast || discardBody !== null) res.setHeader("Connection", "close");

  if (discardBody !== null) await sendEarly(req, res, isBodiless, reader, discardBody, lingerMs);
  else if (reader === null) res.end();
  else await sendBody(res, reader);
}

/**
 * An answer that overtakes the request's body. Closing at once would make the kernel reset the connection, because
 * unread bytes are waiting, and the reset can reach the sender before the answer. So the answer goes out whole, with
 * its length, the rest of the body is read and dropped for a while, and only then the connection ends (RFC 9112, 9.6).
 */
async function sendEarly(
  req: IncomingMessage,
  res: ServerResponse,
  isBodiless: boolean,
  reader: Reader | null,
  discardBody: () => void,
  lingerMs: number,
): Promise<void> {
  const chunks: Uint8Array[] = [];
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
    chunks.push(part.value);
  }
  const bytes = Buffer.concat(chunks);
  if (!isBodiless) res.setHeader("Content-Length", bytes.length);
  if (bytes.length > 0) res.write(bytes);
  else res.flushHeaders();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, lingerMs);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    req.once("end", done);
    res.once("close", done);
    discardBody();
  });
  res.end();
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** A body that is there at once, as nearly all are, goes out in one piece and with its length; others in chunks. */
async function sendBody(res: ServerResponse, reader: Reader): Promise<void> {
  const first = await reader.read();
  if (first.done) return void res.end();
  const second = reader.read();
  second.catch(() => {}); // waited for below
  const early = await Promise.race([second, nextTurn()]);
  if (early?.done) {
    res.setHeader("Content-Length", first.value.length);
    res.end(first.value);
    return;
  }
  res.write(first.value);
  for (let part = await second; !part.done; part = await reader.read()) {
    if (res.destroyed) return void (await reader.cancel());
    if (!res.write(part.value)) await drained(res);
  }
  res.end();
}

function drained(res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      res.off("drain", done);
      res.off("close", done);
      resolve();
    };
    res.on("drain", done);
    res.on("close", done);
  });
}
