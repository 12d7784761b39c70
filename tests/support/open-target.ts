import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Certificates } from "./certificates.ts";

/** A request as it arrived. */
export interface Arrived {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  rawHeaders: string[];
  body: string;
}

/** A server that an `http` node calls. */
export interface Target {
  port: number;
  /** `http://127.0.0.1:PORT` */
  origin: string;
  /** In the order in which their bodies ended. */
  arrived: Arrived[];
  /** Connections that are open. */
  open: Set<Socket>;
  close(): Promise<void>;
}

/** Listens on loopback; the handler answers. */
export async function openTarget(
  handler: (request: Arrived, response: ServerResponse) => void,
  { tls, host = "127.0.0.1" }: { tls?: Certificates; host?: string } = {},
): Promise<Target> {
  const arrived: Arrived[] = [];
  const open = new Set<Socket>();
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers, rawHeaders } = request;
      const all = { method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString() };
      arrived.push(all);
      handler(all, response);
    });
  };
  const server: Server = tls === undefined ? createServer(listener) : createSecureServer(tls, listener);
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    arrived,
    open,
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
