import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { NodeRequest } from "./node-request.ts";

/** A request under way. */
export interface Exchange {
  readonly res: ServerResponse;
  readonly request: NodeRequest;
}

/**
 * The open connections and what is under way on each. Node knows its idle ones, but counts a connection that never
 * sent a byte as busy, and then a stop would wait for it.
 */
export class Connections {
  readonly #open = new Map<Socket, Set<Exchange>>();
  readonly #ending = new WeakSet<Socket>();
  #isClosing = false;

  /** True from `closeIdle` on: every answer is now the last of its connection. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  add(socket: Socket): void {
    this.#open.set(socket, new Set());
    socket.once("close", () => this.#open.delete(socket));
  }

  began(socket: Socket, exchange: Exchange): void {
    this.#open.get(socket)?.add(exchange);
  }

  ended(socket: Socket, exchange: Exchange): void {
    const exchanges = this.#open.get(socket);
    exchanges?.delete(exchange);
    if (this.#isClosing && exchanges?.size === 0) socket.end(() => socket.destroy());
  }

  /** The connection's last answer is given: what still comes is no request of its any more (RFC 9112, section 9.6). */
  end(socket: Socket): void {
    this.#ending.add(socket);
  }

  isEnding(socket: Socket): boolean {
    return this.#ending.has(socket);
  }

  /** How many requests of a connection wait for their answers. */
  countOf(socket: Socket): number {
    return this.#open.get(socket)?.size ?? 0;
  }

  of(socket: Socket): readonly Exchange[] {
    return [...(this.#open.get(socket) ?? [])];
  }

  /** Ends the connections without a request under way, and from now on each whose last request ends. */
  closeIdle(): void {
    this.#isClosing = true;
    for (const [socket, exchanges] of this.#open) if (exchanges.size === 0) socket.destroy();
  }

  closeAll(): void {
    this.#isClosing = true;
    for (const socket of this.#open.keys()) socket.destroy();
  }
}
