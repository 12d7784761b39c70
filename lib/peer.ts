import type { Answer } from "./answer.ts";
import type { Incoming } from "./incoming.ts";

/** The other end of a connection that our own listener took. A request from a host app has none, and is never local. */
export interface Peer {
  /** The peer's IP address, `::ffff:` removed. */
  address: string;
  /** The `Host` header as it arrived; null where there was none. */
  host: string | null;
  /** Our port on this connection. */
  port: number;
}

/** Answers a request; what `Latchhook.fetch` is to a host app, with the peer where our own listener knows it. */
export type Handle = (request: Incoming, peer?: Peer) => Promise<Answer>;
