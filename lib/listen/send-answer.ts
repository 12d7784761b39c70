import type { IncomingMessage, ServerResponse } from "node:http";
import type { Answer } from "../answer.ts";

/**
 * Writes status, headers and body.
 *
 * @param isLast true where the connection ends with this answer
 */
export function sendAnswer(req: IncomingMessage, res: ServerResponse, answer: Answer, isLast: boolean): void {
  if (res.destroyed) return;
  const text = textOf(req, answer);
  res.writeHead(answer.status, headOf(answer, text, isLast));
  res.end(text ?? "");
}

/**
 * An answer that overtakes the request's body. Closing at once would make the kernel reset the connection, because
 * unread bytes are waiting, and the reset can reach the sender before the answer. So the answer goes out whole, with
 * its length, the rest of the body is read and dropped for a while, and only then the connection ends (RFC 9112, 9.6).
 *
 * @param options `discardBody` reads and drops what is left of the request's body; `lingerMs` is how long a sender may
 *   go on with a body that nobody wants
 */
export async function sendEarly(
  req: IncomingMessage,
  res: ServerResponse,
  answer: Answer,
  { discardBody, lingerMs }: { discardBody: () => void; lingerMs: number },
): Promise<void> {
  if (res.destroyed) return;
  const text = textOf(req, answer);
  res.writeHead(answer.status, headOf(answer, text, true));
  if (text) res.write(text);
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

/** The answer's body; null where an answer of its kind has none, and so no length. */
function textOf(req: IncomingMessage, { status, body }: Answer): string | null {
  return req.method === "HEAD" || status === 204 || status === 304 ? null : (body ?? "");
}

/** Names and values in turn, as `writeHead` takes them without making them an object first. */
function headOf({ headers }: Answer, text: string | null, isLast: boolean): string[] {
  const head: string[] = [];
  for (const name in headers) head.push(name, headers[name] ?? "");
  if (text !== null) head.push("content-length", String(Buffer.byteLength(text)));
  if (isLast) head.push("connection", "close");
  return head;
}
