/**
 * Sends requests as fast as they are answered, a few ahead on each connection, until the time is over. A process of its
 * own, so that the good sender's clock does not stand still beside it. Its one argument is a `FloodCommand` as JSON,
 * its answer a line of JSON.
 */
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { pathToFileURL } from "node:url";
import { runChild } from "../../support/child.ts";

export interface FloodCommand {
  port: number;
  connections: number;
  seconds: number;
  /** What is sent; each `{hex}` in it becomes 64 digits that never were sent before. */
  text: string;
}

export interface FloodCount {
  /** How many answers came with which status. */
  answers: Record<number, number>;
  /** Connections that the server has ended. */
  broken: number;
  seconds: number;
}

/** Requests of a connection under way at once: enough that the server never waits for us. */
const AHEAD = 16;
const STATUS = /HTTP\/1\.1 (\d{3}) /g;
/** A status line that is cut in two by packets must not be missed. */
const STATUS_LENGTH = "HTTP/1.1 401 ".length;

/** Runs it in a process of its own. */
export async function flood(command: FloodCommand): Promise<FloodCount> {
  const { stdout, stderr } = await runChild(new URL(import.meta.url), [JSON.stringify(command)]);
  if (stdout === "") throw new Error(`The flood ended without a count:\n${stderr}`);
  return JSON.parse(stdout) as FloodCount;
}

async function run({ port, connections, seconds, text }: FloodCommand): Promise<FloodCount> {
  const count: FloodCount = { answers: {}, broken: 0, seconds: 0 };
  const startedAt = performance.now();
  const endAt = startedAt + seconds * 1_000;
  await Promise.all(Array.from({ length: connections }, () => sendUntil(endAt, port, text, count)));
  count.seconds = (performance.now() - startedAt) / 1_000;
  return count;
}

/** One connection's part; resolves when all that was sent is answered. */
function sendUntil(endAt: number, port: number, text: string, count: FloodCount): Promise<void> {
  return new Promise((resolve) => {
    let underWay = 0;
    let tail = "";
    const socket = connect(port, "127.0.0.1").setNoDelay(true).setEncoding("latin1");
    const send = (): void => {
      let some = "";
      for (; underWay < AHEAD && performance.now() < endAt; underWay++) {
        some += text.replaceAll("{hex}", () => randomBytes(32).toString("hex"));
      }
      if (some !== "") socket.write(some);
      else if (underWay === 0) socket.destroy();
    };
    socket.on("connect", send);
    socket.on("data", (received: string) => {
      const all = tail + received;
      let end = 0;
      for (const match of all.matchAll(STATUS)) {
        const status = Number(match[1]);
        count.answers[status] = (count.answers[status] ?? 0) + 1;
        underWay--;
        end = match.index + STATUS_LENGTH;
      }
      tail = all.slice(Math.max(end, all.length - STATUS_LENGTH + 1));
      send();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      if (underWay > 0) count.broken++;
      resolve();
    });
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? "{}") as FloodCommand)));
}
