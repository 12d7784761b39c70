import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Deliveries } from "./deliveries.ts";
import { bucketMs, type LoadCommand, type LoadCount } from "./load.ts";
import { BENCH } from "./root.ts";
import { ownNode } from "./runtimes.ts";

/** What a load is made of. */
export interface LoadOptions {
  port: number;
  deliveries: Deliveries;
  /** The slice of the deliveries that this load may use. */
  first: number;
  count: number;
  /** Whether it may begin again where the slice ends, because nothing is stored by it. */
  isWrapping: boolean;
  connections: number;
  /** null: until `count` requests are answered. */
  seconds: number | null;
  /** Requests a second, in an open loop; null: as many as the server answers. */
  rate: number | null;
}

/** What came of it. */
export interface Load {
  requests: number;
  seconds: number;
  /** Requests a second. */
  rate: number;
  refused: number;
  p50Ms: number;
  p99Ms: number;
  /** Epoch milliseconds. */
  startedAt: number;
  endedAt: number;
}

const WRK = ["/usr/bin/wrk", "/usr/local/bin/wrk", "/opt/homebrew/bin/wrk"].find((path) => existsSync(path));

/** What sends the load, for whoever reads the results. */
export const GENERATOR: string =
  WRK === undefined
    ? "bench/load.ts (wrk is not installed; ours is slower, so that fast servers look closer to each other than they are)"
    : "wrk";

/** wrk sends more than a server answers with one thread, and the server needs the other cores. */
const WRK_THREADS = 1;
const OWN_PROCESSES = 2;
/** Past the end of a load, until its generator is given up. */
const PATIENCE_MS = 120_000;

/**
 * Sends deliveries to a server.
 *
 * @throws {Error} a connection broke, or the deliveries ran out before the time did
 */
export async function drive(options: LoadOptions): Promise<Load> {
  const isForWrk = options.seconds !== null && options.rate === null;
  const counted = WRK !== undefined && isForWrk ? await driveByWrk(WRK, options) : await driveByOwn(options);
  if (counted.ranOut) throw new Error(`The ${options.count} deliveries ran out before the load ended`);
  if (counted.broken > 0) throw new Error(`${counted.broken} connections or requests broke under the load`);
  const { requests, seconds, refused, p50Ms, p99Ms } = counted;
  const endedAt = counted.endedAt;
  const startedAt = endedAt - seconds * 1_000;
  return { requests, seconds, rate: requests / seconds, refused, p50Ms, p99Ms, startedAt, endedAt };
}

interface Counted {
  requests: number;
  seconds: number;
  refused: number;
  broken: number;
  ranOut: boolean;
  p50Ms: number;
  p99Ms: number;
  endedAt: number;
}

async function driveByWrk(wrk: string, options: LoadOptions): Promise<Counted> {
  const { port, deliveries, first, count, isWrapping, connections, seconds } = options;
  const threads = Math.min(WRK_THREADS, connections);
  const args = [
    ...["-t", String(threads), "-c", String(connections), "-d", `${seconds}s`, "--timeout", "30s"],
    ...["-s", join(BENCH, "wrk.lua"), `http://127.0.0.1:${port}/`, "--"],
    ...[deliveries.file, String(deliveries.recordBytes), String(first), String(count), String(threads)],
    ...[isWrapping ? "wrap" : "once", deliveries.tailFile],
  ];
  const said = await run(wrk, args, seconds);
  const line = said.split("\n").find((text) => text.startsWith("{"));
  if (line === undefined) throw new Error(`wrk gave no result:\n${said}`);
  return { ...(JSON.parse(line) as Omit<Counted, "endedAt">), endedAt: Date.now() };
}

async function driveByOwn(options: LoadOptions): Promise<Counted> {
  const processes = Math.min(
    options.rate === null && options.seconds !== null ? OWN_PROCESSES : 1,
    options.connections,
  );
  const share = Math.floor(options.count / processes);
  const counts = await Promise.all(
    Array.from({ length: processes }, async (_, index) => {
      const { port, deliveries, isWrapping, seconds } = options;
      const command: LoadCommand = {
        ...{ port, deliveries, isWrapping, seconds, count: share, first: options.first + index * share },
        connections: Math.floor(options.connections / processes),
        rate: options.rate === null ? null : options.rate / processes,
      };
      const args = [...ownNode.args, join(BENCH, "load.ts"), JSON.stringify(command)];
      return JSON.parse(await run(ownNode.program, args, seconds)) as LoadCount;
    }),
  );
  const sum = (pick: (count: LoadCount) => number): number =>
    counts.reduce((total, count) => total + pick(count), 0);
  return {
    requests: sum((count) => count.requests),
    seconds: Math.max(...counts.map((count) => count.seconds)),
    refused: sum((count) => count.refused),
    broken: sum((count) => count.broken),
    ranOut: counts.some((count) => count.ranOut),
    p50Ms: percentile(counts, 0.5),
    p99Ms: percentile(counts, 0.99),
    endedAt: Date.now(),
  };
}

function percentile(counts: readonly LoadCount[], share: number): number {
  const merged = new Map<number, number>();
  let total = 0;
  for (const { buckets } of counts) {
    for (const [bucket, count] of Object.entries(buckets)) {
      merged.set(Number(bucket), (merged.get(Number(bucket)) ?? 0) + count);
      total += count;
    }
  }
  let seen = 0;
  for (const [bucket, count] of [...merged].sort(([a], [b]) => a - b)) {
    seen += count;
    if (seen >= total * share) return bucketMs(bucket);
  }
  return 0;
}

/** @returns what it printed */
function run(program: string, args: readonly string[], seconds: number | null): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    const late = setTimeout(() => child.kill("SIGKILL"), (seconds ?? 600) * 1_000 + PATIENCE_MS);
    let [said, faults] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      faults += text;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(late);
      if (code === 0) resolve(said);
      else reject(new Error(`The load generator ended with ${signal ?? code}:\n${said}${faults}`));
    });
  });
}
