import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Contestant } from "./contestants.ts";
import { countIn } from "./counts.ts";
import type { Deliveries } from "./deliveries.ts";
import { drive, type Load } from "./drive.ts";
import { untilIdle } from "./idle.ts";
import { type ServerProcess, startServer } from "./server-process.ts";
import { readLoad, type StoredLoad } from "./stored.ts";

/** What one round does to one server. */
export interface RoundOptions {
  folder: string;
  deliveries: Deliveries;
  connections: number;
  /** null: until all deliveries are answered. */
  seconds: number | null;
  rate?: number | null;
  /** A file that is there already; it is kept. */
  database?: string;
  warmUpSeconds?: number;
  /** How long the runs of the load may take after it. */
  drainMs?: number;
  /** Looks at the server when the load and its runs are over. */
  look?: (server: ServerProcess) => void;
}

/** What came of it. */
export interface RoundResult {
  load: Load;
  about: Readonly<Record<string, string>>;
  /** Runs that succeeded per second, from the load's start to the last run's end; null where nothing is run. */
  runRate: number | null;
  /** How long the runs went on after the load, in seconds. */
  drainSeconds: number | null;
  /** Of Latchhook only. */
  stored: StoredLoad | null;
}

const WARM_UP_SECONDS = 1;
const DRAIN_MS = 120_000;

/**
 * Starts a server fresh, warms it up, loads it, stops it, and counts what it has stored.
 *
 * @throws {Error} an answer that was not the wanted one, or rows that do not match the answers
 */
export async function playRound(contestant: Contestant, options: RoundOptions): Promise<RoundResult> {
  const { deliveries, connections, seconds, rate = null, drainMs = DRAIN_MS } = options;
  const { warmUpSeconds = WARM_UP_SECONDS } = options;
  const folder = mkdtempSync(join(options.folder, "round-"));
  const database = options.database ?? join(folder, "bench.db");
  const { tables } = contestant;
  let server: ServerProcess | null = null;
  try {
    const before =
      options.database !== undefined && tables !== null ? (await countIn(tables, database)).events : 0;
    server = await startServer(contestant.command(database));
    const { port, about } = server;
    const isWrapping = seconds !== null && (tables === null || contestant.isRefusing);
    // The warm-up has a share of the deliveries of its own, or its copies would be duplicates in the load.
    const warmUpCount = Math.floor(
      (deliveries.count * warmUpSeconds) / (warmUpSeconds + (seconds ?? 0) || 1),
    );
    const usual = { port, deliveries, isWrapping, connections };
    let answered = 0;
    if (warmUpSeconds > 0) {
      const warmUp = await drive({
        ...{ ...usual, first: 0, count: warmUpCount, seconds: warmUpSeconds, rate },
      });
      answered += warmUp.requests;
      await untilIdle(contestant, server, database, drainMs);
    }
    const count = deliveries.count - warmUpCount;
    const load = await drive({ ...usual, first: warmUpCount, count, seconds, rate });
    answered += load.requests;
    checkAnswers(contestant, load);
    const idleSeconds = await untilIdle(contestant, server, database, drainMs);
    options.look?.(server);
    const stopping = server;
    server = null;
    await stopping.stop();
    if (tables === null) return { load, about, runRate: null, drainSeconds: null, stored: null };

    const counts = await countIn(tables, database);
    const expected = contestant.isRefusing ? 0 : answered;
    // A generator that stops leaves requests under way, at most one a connection in each of two loads.
    const slack = contestant.isRefusing ? 0 : connections * 2;
    const events = counts.events - before;
    if (events < expected || events > expected + slack) {
      throw new Error(`${expected} requests were answered and ${events} events are stored`);
    }
    if (idleSeconds === null) throw new Error(`The runs went on for more than ${drainMs} ms after the load`);
    return { load, about, ...(await runsOf(contestant, database, load, idleSeconds)) };
  } finally {
    await server?.stop().catch(() => {});
    rmSync(folder, { recursive: true, force: true });
  }
}

function checkAnswers(contestant: Contestant, { requests, refused }: Load): void {
  const expected = contestant.isRefusing ? requests : 0;
  if (refused !== expected)
    throw new Error(`${refused} of ${requests} requests were answered with a status of 400 or above`);
  if (requests === 0) throw new Error("No request was answered");
}

async function runsOf(
  contestant: Contestant,
  database: string,
  load: Load,
  idleSeconds: number,
): Promise<Pick<RoundResult, "runRate" | "drainSeconds" | "stored">> {
  if (contestant.tables === "plainjob") {
    // It keeps no time of a job's end, so the look that found it idle is the end of all of them.
    return { runRate: load.requests / (load.seconds + idleSeconds), drainSeconds: idleSeconds, stored: null };
  }
  if (contestant.tables !== "latchhook") return { runRate: null, drainSeconds: null, stored: null };
  const stored = await readLoad(database, load.startedAt, load.endedAt);
  if (!contestant.isRunning) return { runRate: null, drainSeconds: null, stored };
  if (stored.succeeded < stored.events)
    throw new Error(`Of ${stored.events} runs only ${stored.succeeded} succeeded`);
  const lastEndedAt = Math.max(stored.lastEndedAt ?? 0, load.endedAt);
  return {
    runRate: stored.succeeded / ((lastEndedAt - load.startedAt) / 1_000),
    drainSeconds: (lastEndedAt - load.endedAt) / 1_000,
    stored,
  };
}
