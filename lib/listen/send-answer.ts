import type { IncomingMessage, ServerResponse } from "node:http";
import type { Answer } from "../answer.ts";

/** How an answer goes out. */
export interface SendOptions {
  /** The connection ends with this answer. */
  isLast: boolean;
  /** Reads and drops what is left of the request's body; null where nothing is left. */
  discardBody: (() => void) | null;
  /** How long a sender may go on with a body that nobody wants, in milliseconds. */
  lingerMs: number;
}

/** Writes status, headers and body, and resolves when the answer was handed to the socket or the sender is gone. */
export async function sendAnswer(
  req: IncomingMessage,
  res: ServerResponse,
  { status, headers, body }: Answer,
  { isLast, discardBody, lingerMs }: SendOptions,
): Promise<void> {
  if (res.destroyed) return;
  const head: string[] = [];
  for (const name in headers) head.push(name, headers[name] ?? "");
  const isBodiless = req.method === "HEAD" || status === 204 || status === 304;
  const text = isBodiless ? "" : (body ?? "");
  if (!isBodiless) head.push("content-length", String(Buffer.byteLength(text)));
  if (isLast || discardBody !== null) head.push("connection", "close");
  res.writeHead(status, head);
  if (discardBody === null) res.end(text);
  else await sendEarly(req, res, text, discardBody, lingerMs);
}

/**
 * An answer that overtakes the request's body. Closing at once would make the kernel reset the connection, because
 * unread bytes are waiting, and the reset can reach the sender before the answer. So the answer goes out whole, with
 * its length, the rest of the body is read and dropped for a while, and only then the connection ends (RFC 9112, 9.6).
 */
async function sendEarly(
  req: IncomingMessage,
  res: ServerResponse,
  text: string,
  discardBody: () => void,
  lingerMs: number,
): Promise<void> {
  if (text === "") res.flushHeaders();
  else res.write(text);
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
