import { signature } from "../../support/sign.ts";
import { PROGRAM, type SpawnedServer, type SpawnOptions, Stage } from "../../support/spawn-server.ts";
import { GoodSender } from "./good-sender.ts";
import { type Cost, watchCost } from "./readings.ts";
import { Line, type Reply, requestText } from "./wire.ts";

/** Of the generic provider, and the operator's. */
export const SECRET = "s3cret-of-the-generic-provider";
export const TOKEN = "a-token-for-tests-of-32-characters";

/** What an attack did, and what it did to others. */
export interface Siege<T> {
  result: T;
  good: GoodSender;
  cost: Cost;
  /** What the server logged meanwhile. */
  log: string;
}

/** A server that is attacked: a process of its own, with an honest sender beside the attack. */
export class Target {
  readonly server: SpawnedServer;
  readonly port: number;
  readonly #stage: Stage;
  readonly #isTryOut: boolean;
  readonly #lines: Line[] = [];
  #sieges = 0;

  constructor(stage: Stage, server: SpawnedServer, isTryOut: boolean) {
    this.#stage = stage;
    this.#isTryOut = isTryOut;
    this.server = server;
    this.port = Number(new URL(server.origin).port);
  }

  /** Opens the program, with a secret and a token unless it is for trying out. */
  static async open({ env = {}, isTryOut = false, ...options }: SpawnOptions & { isTryOut?: boolean } = {}) {
    const secured = isTryOut ? {} : { WEBHOOK_SECRET_GENERIC: SECRET, ADMIN_TOKEN: TOKEN };
    const stage = await Stage.make();
    try {
      const server = await stage.server({ file: PROGRAM, ...options, env: { ...secured, ...env } });
      return new Target(stage, server, isTryOut);
    } catch (error) {
      await stage.close();
      throw error;
    }
  }

  /** Runs an attack with the good sender beside it, from before its first byte to after its last. */
  async under<T>(attack: () => Promise<T>): Promise<Siege<T>> {
    const good = new GoodSender(this.port, this.#isTryOut ? null : SECRET, `good-${++this.#sieges}`);
    try {
      await good.more(2);
      const logged = this.server.said.stderr.length;
      const cost = await watchCost(this.server.pid);
      const result = await attack();
      await good.more(2);
      const seen = await cost();
      return { result, good, cost: seen, log: this.server.said.stderr.slice(logged) };
    } finally {
      await good.stop();
    }
  }

  /** A connection that is closed with the target. */
  dial(localAddress?: string): Line {
    const line = new Line(this.port, localAddress);
    this.#lines.push(line);
    return line;
  }

  async dialMany(count: number, localAddress?: string): Promise<Line[]> {
    const lines = Array.from({ length: count }, () => this.dial(localAddress));
    await Promise.all(lines.map((line) => line.connected()));
    return lines;
  }

  /** Bytes that are asked of a `Host` of ours. */
  request(first: string, headers: readonly string[] = [], body = ""): string {
    return requestText(first, [`Host: 127.0.0.1:${this.port}`, ...headers], body);
  }

  /** A whole signed delivery as bytes. */
  delivery(
    body: string,
    { path = "/webhooks/generic", secret = SECRET, headers = [] as string[] } = {},
  ): string {
    return this.request(
      `POST ${path} HTTP/1.1`,
      [
        "Content-Type: application/json",
        `Content-Length: ${body.length}`,
        `X-Signature: ${signature(Buffer.from(body, "latin1"), secret)}`,
        ...headers,
      ],
      body,
    );
  }

  /** A request of the operator's, by a client that keeps to the rules. */
  async admin(path: string, method = "GET"): Promise<{ status: number; json: Record<string, unknown> }> {
    const headers: Record<string, string> = this.#isTryOut ? {} : { authorization: `Bearer ${TOKEN}` };
    const answer = await fetch(`${this.server.origin}${path}`, { method, headers });
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
  }

  /** The events that are stored, those of the good sender left out. */
  async strangeEvents(): Promise<{ event_id: string; provider: string; webhook_id: string | null }[]> {
    const found: { event_id: string; provider: string; webhook_id: string | null }[] = [];
    let cursor: unknown = null;
    do {
      const { json } = await this.admin(
        `/events?limit=200${cursor === null ? "" : `&cursor=${encodeURIComponent(String(cursor))}`}`,
      );
      found.push(...(json.items as typeof found));
      cursor = json.next_cursor;
    } while (cursor !== null);
    return found.filter(({ webhook_id: id }) => id === null || !id.startsWith("good-"));
  }

  async close(): Promise<void> {
    for (const line of this.#lines) line.close();
    await this.#stage.close();
  }
}

/** The name of the problem that an answer is. */
export function problemIn(reply: Reply | undefined): string {
  const type: unknown = reply === undefined ? undefined : JSON.parse(reply.body || "{}").type;
  return String(type).replace("urn:latchhook:", "");
}
