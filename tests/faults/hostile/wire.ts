import { connect, type Socket } from "node:net";
import { until } from "../../support/until.ts";

/** An answer as it came over the wire. */
export interface Reply {
  status: number;
  /** Names in lower case. */
  headers: ReadonlyMap<string, string>;
  /** A character a byte. */
  body: string;
}

/** A connection that says what no client would. */
export class Line {
  readonly socket: Socket;
  #received = "";
  #isOver = false;

  constructor(port: number, localAddress?: string) {
    const from = localAddress === undefined ? {} : { localAddress };
    this.socket = connect({ port, host: "127.0.0.1", ...from });
    this.socket.setNoDelay(true);
    this.socket.on("error", () => {}); // a reset is one way in which a server may end it
    this.socket.on("close", () => {
      this.#isOver = true;
    });
    this.socket.on("end", () => {
      this.#isOver = true;
    });
    this.socket.on("data", (chunk: Buffer) => {
      this.#received += chunk.toString("latin1");
    });
  }

  /** True once the other side has ended it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get received(): string {
    return this.#received;
  }

  replies(): Reply[] {
    return parseReplies(this.#received);
  }

  async connected(): Promise<this> {
    await until(() => !this.socket.connecting, "a connection", 30_000);
    return this;
  }

  /** @param text a character a byte */
  write(text: string | Uint8Array): void {
    this.socket.write(typeof text === "string" ? Buffer.from(text, "latin1") : text);
  }

  close(): void {
    this.socket.destroy();
  }
}

/**
 * Sends the bytes on a connection of their own and waits until the server has ended it.
 *
 * @returns every whole answer
 */
export async function talk(port: number, text: string | Uint8Array, timeoutMs = 30_000): Promise<Reply[]> {
  const line = new Line(port);
  try {
    line.write(text);
    await until(
      () => line.isOver,
      () => `the server to end the connection; it said\n${line.received}`,
      timeoutMs,
    );
    return line.replies();
  } finally {
    line.close();
  }
}

/** How many answers came with which status over all the connections. */
export function statusesOf(lines: readonly Line[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of lines.flatMap((line) => line.replies()))
    counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** A request as text: the first line, each header as `Name: value`, and the body as it is. */
export function requestText(first: string, headers: readonly string[], body = ""): string {
  return `${[first, ...headers].join("\r\n")}\r\n\r\n${body}`;
}

/** The whole answers in a text, those of 100 Continue left out. */
function parseReplies(text: string): Reply[] {
  const replies: Reply[] = [];
  let rest = text;
  for (let end = rest.indexOf("\r\n\r\n"); end !== -1; end = rest.indexOf("\r\n\r\n")) {
    const [first = "", ...lines] = rest.slice(0, end).split("\r\n");
    const headers = new Map(
      lines.map((line): [string, string] => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const length = Number(headers.get("content-length") ?? 0);
    const body = rest.slice(end + 4, end + 4 + length);
    if (body.length < length) break;
    const status = Number(first.split(" ")[1]);
    if (status >= 200) replies.push({ status, headers, body });
    rest = rest.slice(end + 4 + length);
  }
  return replies;
}
