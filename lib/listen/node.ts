import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Answer } from "../answer.ts";
import { nextTurn } from "../clock.ts";
import { WebhookError } from "../errors.ts";
import type { Log } from "../log.ts";
import type { Handle } from "../peer.ts";
import { Connections, type Exchange } from "./connections.ts";
import { NodeRequest } from "./node-request.ts";
import { answerRaw, rawProblemOf } from "./raw-answer.ts";
import { checkRawRequest } from "./raw-request.ts";
import { sendAnswer, sendEarly } from "./send-answer.ts";

/** A server that listens. */
export interface Listening {
  /** The IP address it is bound to. */
  readonly address: string;
  /** The real one where 0 was asked for. */
  readonly port: number;
  /** Takes no new connections, ends idle ones, and resolves when the requests under way are answered. */
  close(): Promise<void>;
  /** Cuts every connection. */
  closeAll(): void;
}

/** What `listenNode` takes. */
export interface ListenNodeOptions {
  host: string;
  /** 0 for any free one. */
  port: number;
  handle: Handle;
  /** The answer to a request that never reached the handler, or that it failed on. */
  refuse: (error: WebhookError) => Answer;
  log: Log;
  limits?: Partial<ListenLimits>;
}

/** Milliseconds and bytes that a sender may use up. */
export interface ListenLimits {
  headersMs: number;
  requestMs: number;
  keepAliveMs: number;
  lingerMs: number;
  /** How often the first two are looked at. */
  checkMs: number;
  headerBytesMax: number;
  /** Requests of one connection that wait for their answers; with one more the connection is cut. */
  pipelinedMax: number;
}

const LIMITS: ListenLimits = {
  headersMs: 10_000, // headers fit one packet or two; who drips them holds connections open on purpose
  requestMs: 60_000, // 25 MiB, the largest body a provider sends, over 4 Mbit/s
  keepAliveMs: 65_000, // proxies keep idle connections for 60 s; who ends one first must not be us
  lingerMs: 2_000, // what a sender over a slow line needs to see the answer
  checkMs: 1_000,
  headerBytesMax: 16_384,
  pipelinedMax: 128, // hardly a client sends a second one before the first is answered
};

/**
 * Listens with `node:http`, on every runtime, and gives each request to the handler.
 * Targets and headers are checked as they came over the wire.
 *
 * @throws {Error} (as a rejection) the address can't be bound, in one line that names the variable to change
 */
export async function listenNode(options: ListenNodeOptions): Promise<Listening> {
  const limits = { ...LIMITS, ...options.limits };
  const connections = new Connections();
  const server = createServer({
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: limits.checkMs,
    maxHeaderSize: limits.headerBytesMax,
    requireHostHeader: false, // we say so ourselves, as a problem
  });
  // Node drops headers above 2000 silently, and a second Authorization among them; their bytes are bounded anyway.
  server.maxHeadersCount = 0;
  const givens: ExchangeGivens = { ...options, limits, connections };
  const onRequest = (req: IncomingMessage, res: ServerResponse): void => void exchange(req, res, givens);
  server.on("connection", (socket) => {
    socket.on("error", () => {}); // Node's server answers or closes; nothing is left to do
    connections.add(socket);
  });
  server.on("request", onRequest);
  server.on("checkContinue", (req, res) => void exchange(req, res, givens, () => res.writeContinue()));
  server.on("checkExpectation", onRequest); // RFC 9110, 10.1.1: may be ignored
  server.on("connect", (_req, socket) => answerRaw(socket as Socket, "tunnel_refused", limits.lingerMs));
  server.on("clientError", (error, socket) => onClientError(error, socket, connections, limits, options.log));

  await bind(server, options.host, options.port);
  const { address, port } = server.address() as AddressInfo;
  let closed: Promise<void> | null = null;
  return {
    address,
    port,
    close() {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve());
        connections.closeIdle();
      });
      return closed;
    },
    closeAll: () => connections.closeAll(),
  };
}

/** What is the same for every request of a listener. */
interface ExchangeGivens extends ListenNodeOptions {
  limits: ListenLimits;
  connections: Connections;
}

/**
 * One request and its answer; resolves when the answer is out or nobody is there to get it. Never rejects.
 *
 * @param onFirstRead of `NodeRequest`
 */
async function exchange(
  req: IncomingMessage,
  res: ServerResponse,
  givens: ExchangeGivens,
  onFirstRead: (() => void) | null = null,
): Promise<void> {
  const { connections, limits, log } = givens;
  const { socket } = req;
  // Without an answer, and so without an effect: its sender will ask again elsewhere.
  if (connections.isEnding(socket)) return;
  // Node reads 2 MiB of a connection in one turn of the event loop and makes requests of all of it, some 50,000 of the
  // smallest, before the first is answered: ten such connections held everybody up for 20 s and took 1.6 GiB.
  if (socket.destroyed || connections.countOf(socket) >= limits.pipelinedMax) return void socket.destroy();
  const self: Exchange = { res, request: new NodeRequest(req, onFirstRead) };
  const { request } = self;
  const coding = request.headers.get("transfer-encoding");
  if (coding !== null && (coding.toLowerCase() !== "chunked" || req.httpVersion !== "1.1")) {
    // Node takes `gzip, chunked`, too, and chunks over HTTP/1.0. A proxy before us may see another end of such a body,
    // and a whole second request may stand in it (RFC 9112, sections 6.1 and 11.2).
    const error = Object.assign(new Error("Unknown transfer coding"), {
      code: "HPE_INVALID_TRANSFER_ENCODING",
    });
    return onClientError(error, socket, connections, limits, log);
  }
  connections.began(socket, self);
  req.on("error", ignore); // comes with a close, which is listened to
  res.on("error", ignore);
  res.on("close", () => {
    if (!res.writableFinished) request.abort();
    connections.ended(socket, self);
  });
  try {
    const answer = await answerTo(req, request, givens);
    // A refusal may be ready while the parser is in the middle of a packet; a turn later it knows whether that was all.
    // And the answers of one turn go out together: a sender that is woken for each of them costs us more than they do.
    await nextTurn();
    if (socket.writableEnded || socket.destroyed) return void res.destroy();
    const isLast = connections.isClosing;
    if (!request.hasBody || req.complete) sendAnswer(req, res, answer, isLast);
    else {
      connections.end(socket);
      await sendEarly(req, res, answer, { discardBody: () => request.discard(), lingerMs: limits.lingerMs });
    }
  } catch (error) {
    log.error("Answer broke off", { error });
    res.destroy();
  }
}

function ignore(): void {}

async function answerTo(
  req: IncomingMessage,
  request: NodeRequest,
  { handle, refuse, log }: ListenNodeOptions,
): Promise<Answer> {
  try {
    request.target = checkRawRequest(req.url ?? "", request.headers, req.httpVersion);
    return await handle(request, {
      address: (req.socket.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/i, ""),
      host: request.headers.get("host"),
      port: req.socket.localPort ?? 0,
    });
  } catch (error) {
    if (error instanceof WebhookError) return refuse(error);
    if (!request.isAborted) log.error("Handler failed", { error });
    return refuse(new WebhookError("internal", "Cannot answer the request", { cause: error }));
  }
}

/** Node's parser gave up, or a time-out passed. */
function onClientError(
  error: Error & { code?: string },
  stream: Duplex,
  connections: Connections,
  limits: ListenLimits,
  log: Log,
): void {
  const socket = stream as Socket;
  connections.end(socket);
  const exchanges = connections.of(socket);
  for (const { request } of exchanges) request.abort();
  if (socket.writableEnded) return; // answered already; its end is near
  log.debug("Connection refused", { code: error.code, peer: socket.remoteAddress });
  const isAnswering = exchanges.some(({ res }) => res.headersSent);
  if (!socket.writable || error.code === "ECONNRESET" || isAnswering) socket.destroy();
  else answerRaw(socket, rawProblemOf(error.code), limits.lingerMs);
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: Error & { code?: string }) => reject(bindError(error, host, port)));
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      server.on("error", () => {}); // a failed accept (no file handles left) is not the end of the server
      resolve();
    });
  });
}

function bindError(error: Error & { code?: string }, host: string, port: number): Error {
  const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `the port is taken; choose another, such as PORT=${port === 65_535 ? port - 1 : port + 1}`,
    EACCES: "this port needs more rights; choose one above 1023, such as PORT=7862",
    EADDRNOTAVAIL: "this machine does not have the address; set HOST= to one it has, such as HOST=127.0.0.1",
    ENOTFOUND: "the name has no address; set HOST= to an address, such as HOST=127.0.0.1",
  };
  const reason = reasons[error.code ?? ""] ?? `${error.message}; choose another address with HOST= and PORT=`;
  return new Error(`Cannot listen on ${where}: ${reason}`, { cause: error });
}
