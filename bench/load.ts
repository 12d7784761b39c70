/**
 * A load generator on plain sockets, for what wrk cannot do: a given number of requests, or a given rate with latencies
 * counted from when a request was due (an open loop). It stands in for wrk where that is missing, and is slower. Run as
 * a process of its own; its one argument is a `LoadCommand` as JSON, its answer a line of JSON.
 */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { connect, type Socket } from "node:net";
import type { Deliveries } from "./deliveries.ts";

/** What one process of this file is asked to do. */
export interface LoadCommand {
  port: number;
  deliveries: Deliveries;
  /** The slice of the deliveries that is this process's own. */
  first: number;
  count: number;
  isWrapping: boolean;
  connections: number;
  /** null: until `count` requests are answered. */
  seconds: number | null;
  /** Requests a second; null: each connection sends its next one as soon as it has an answer. */
  rate: number | null;
}

/** What it counted. */
export interface LoadCount {
  requests: number;
  seconds: number;
  /** Answers with a status of 400 or above. */
  refused: number;
  /** Connections that failed. */
  broken: number;
  ranOut: boolean;
  /** How many answers took so long, by `bucketOf`, so that the counts of several processes can be added. */
  buckets: Record<string, number>;
}

/** Two latencies less than 2 % apart may share a bucket. */
const BUCKET_BASE = Math.log(1.02);
const READ_RECORDS = 256;
/** Answers that come after the end are not waited for. */
const LINGER_MS = 10_000;

/** The middle of a bucket, in milliseconds. */
export function bucketMs(bucket: number): number {
  return Math.exp((bucket + 0.5) * BUCKET_BASE) / 1_000;
}

function bucketOf(ms: number): number {
  return Math.floor(Math.log(Math.max(ms * 1_000, 1)) / BUCKET_BASE);
}

/** One connection: at most one request under way. */
interface Line {
  socket: Socket;
  said: string;
  /** When the request under way was due; null while idle. */
  dueAt: number | null;
}

class Generator {
  readonly #command: LoadCommand;
  readonly #count: LoadCount;
  readonly #file: number;
  readonly #tail: Buffer;
  readonly #idle: Line[] = [];
  readonly #overdue: number[] = [];
  readonly #lines: Line[] = [];
  #chunk: Buffer = Buffer.alloc(0);
  #chunkAt = 0;
  #taken = 0;
  #underWay = 0;
  #isOver = false;
  #startedAt = 0;
  #finish: () => void = () => {};

  constructor(command: LoadCommand) {
    this.#command = command;
    this.#count = { requests: 0, seconds: 0, refused: 0, broken: 0, ranOut: false, buckets: {} };
    this.#file = openSync(command.deliveries.file, "r");
    this.#tail = readFileSync(command.deliveries.tailFile);
  }

  async run(): Promise<LoadCount> {
    const { connections, rate, seconds } = this.#command;
    await Promise.all(Array.from({ length: connections }, () => this.#open()));
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    this.#startedAt = performance.now();
    if (seconds !== null) setTimeout(() => this.#end(), seconds * 1_000);
    if (rate === null) for (const line of [...this.#lines]) this.#send(line, performance.now());
    else this.#pace(rate);
    await finished;
    for (const { socket } of this.#lines) socket.destroy();
    closeSync(this.#file);
    return this.#count;
  }

  async #open(): Promise<void> {
    const socket = connect(this.#command.port, "127.0.0.1").setNoDelay(true).setEncoding("latin1");
    await new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    const line: Line = { socket, said: "", dueAt: null };
    this.#lines.push(line);
    if (this.#command.rate !== null) this.#idle.push(line);
    socket.on("data", (text: string) => this.#onData(line, text));
    socket.on("error", () => {});
    socket.on("close", () => {
      if (this.#isOver && line.dueAt === null) return;
      this.#count.broken++;
      this.#isOver = true;
      this.#finish();
    });
  }

  /** Sends what has come due since the last look; what finds no free connection is late, and counted so. */
  #pace(rate: number): void {
    let due = 0;
    const look = (): void => {
      if (this.#isOver) return;
      const now = performance.now();
      for (; due < ((now - this.#startedAt) / 1_000) * rate; due++) {
        this.#overdue.push(this.#startedAt + (due * 1_000) / rate);
      }
      for (let line = this.#idle.pop(); line !== undefined; line = this.#idle.pop()) {
        const dueAt = this.#overdue.shift();
        if (dueAt === undefined) {
          this.#idle.push(line);
          break;
        }
        this.#send(line, dueAt);
      }
      setTimeout(look, 1);
    };
    look();
  }

  #send(line: Line, dueAt: number): void {
    const record = this.#isOver ? null : this.#next();
    if (record === null) {
      this.#settle();
      return;
    }
    line.dueAt = dueAt;
    this.#underWay++;
    line.socket.cork();
    line.socket.write(record);
    line.socket.write(this.#tail);
    line.socket.uncork();
  }

  /** The next request of the slice; null where there is none any more. */
  #next(): Buffer | null {
    const { count, deliveries, first, isWrapping, seconds } = this.#command;
    const { recordBytes } = deliveries;
    if (this.#taken === count) {
      if (!isWrapping) {
        this.#count.ranOut = seconds !== null;
        this.#isOver = true;
        return null;
      }
      this.#taken = 0;
      this.#chunkAt = this.#chunk.length;
    }
    if (this.#chunkAt === this.#chunk.length) {
      const chunk = Buffer.alloc(recordBytes * Math.min(READ_RECORDS, count - this.#taken));
      readSync(this.#file, chunk, 0, chunk.length, (first + this.#taken) * recordBytes);
      [this.#chunk, this.#chunkAt] = [chunk, 0];
    }
    this.#taken++;
    this.#chunkAt += recordBytes;
    return this.#chunk.subarray(this.#chunkAt - recordBytes, this.#chunkAt);
  }

  #onData(line: Line, text: string): void {
    line.said += text;
    const bytes = answerBytes(line.said);
    if (bytes === null || line.dueAt === null) return;
    const ms = performance.now() - line.dueAt;
    const status = Number(line.said.slice(9, 12));
    const bucket = bucketOf(ms);
    this.#count.requests++;
    this.#count.buckets[bucket] = (this.#count.buckets[bucket] ?? 0) + 1;
    if (status >= 400) this.#count.refused++;
    line.said = line.said.slice(bytes);
    line.dueAt = null;
    this.#underWay--;
    if (this.#command.rate === null) this.#send(line, performance.now());
    else {
      const dueAt = this.#overdue.shift();
      if (dueAt === undefined) this.#idle.push(line);
      else this.#send(line, dueAt);
    }
    this.#settle();
  }

  #end(): void {
    this.#isOver = true;
    setTimeout(() => this.#finish(), LINGER_MS).unref();
    this.#settle();
  }

  #settle(): void {
    if (!this.#isOver) return;
    if (this.#count.seconds === 0) this.#count.seconds = (performance.now() - this.#startedAt) / 1_000;
    if (this.#underWay > 0) return;
    // Until a number of requests is answered, the last answer is the end.
    if (this.#command.seconds === null) this.#count.seconds = (performance.now() - this.#startedAt) / 1_000;
    this.#finish();
  }
}

/** How long the answer at the front is; null while it is not whole. */
function answerBytes(text: string): number | null {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd === -1) return null;
  const head = text.slice(0, headEnd);
  if (/^transfer-encoding: *chunked/im.test(head)) {
    const end = text.indexOf("0\r\n\r\n", headEnd);
    return end === -1 ? null : end + 5;
  }
  const end = headEnd + 4 + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  return text.length < end ? null : end;
}

if (process.argv[1]?.endsWith("load.ts") && process.argv[2] !== undefined) {
  const count = await new Generator(JSON.parse(process.argv[2]) as LoadCommand).run();
  console.log(JSON.stringify(count));
}
