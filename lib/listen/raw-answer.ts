import type { Socket } from "node:net";
import { newId } from "../ids.ts";

/** What is answered where no request could be made of the bytes, so that no handler and no `Response` is there. */
export type RawProblem = "request_malformed" | "request_timeout" | "headers_too_large" | "tunnel_refused";

const PROBLEMS: Readonly<Record<RawProblem, readonly [status: number, title: string, detail: string]>> = {
  request_malformed: [400, "Bad Request", "This is no HTTP/1.1 request"],
  request_timeout: [408, "Request Timeout", "The request took too long to arrive"],
  headers_too_large: [
    431,
    "Request Header Fields Too Large",
    "The headers are larger than this server reads",
  ],
  tunnel_refused: [405, "Method Not Allowed", "This server is no proxy"],
};

/** Which problem one of Node's errors about a connection is. */
export function rawProblemOf(code: unknown): RawProblem {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "request_timeout";
  return code === "HPE_HEADER_OVERFLOW" ? "headers_too_large" : "request_malformed";
}

/**
 * Answers straight on the socket and ends the connection, at once where the sender ends it too, else after `lingerMs`:
 * until then what it still sends is read, so that no reset overtakes the answer.
 */
export function answerRaw(socket: Socket, problem: RawProblem, lingerMs: number): void {
  const [status, title, detail] = PROBLEMS[problem];
  const body = JSON.stringify({
    type: `urn:latchhook:${problem}`,
    title,
    status,
    detail,
    request_id: newId("req"),
  });
  const head = [
    `HTTP/1.1 ${status} ${title}`,
    "Content-Type: application/problem+json",
    "Cache-Control: no-store",
    "X-Content-Type-Options: nosniff",
    "Referrer-Policy: no-referrer",
    ...(status === 405 ? ["Allow: GET, HEAD, POST, DELETE"] : []),
    `Date: ${new Date().toUTCString()}`,
    `Content-Length: ${body.length}`,
    "Connection: close",
  ];
  socket.on("error", () => {}); // it may be gone before the answer is
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(timer));
}
