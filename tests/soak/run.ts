/**
 * `npm run soak`: mixed load for half an hour, with retention whose day has six seconds, and readings of the server's
 * memory, file, open files and latency. It writes `docs/soak.svg` after a run of 30 minutes or more, and ends with 1
 * where anything was lost, answered wrongly or left to grow. `npm run soak -- --minutes 2 --rate 100` is a short one.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { TIMING } from "../../lib/runner/timing.ts";
import { type SpawnedServer, Stage, stopped } from "../support/spawn-server.ts";
import { until } from "../support/until.ts";
import { plotSvg } from "./plot.ts";
import { Sender } from "./sender.ts";

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "30" }, rate: { type: "string", default: "150" } },
});
const MINUTES = Number(values.minutes);
/** Requests a second, whatever the server answers. */
const RATE = Number(values.rate);

const SECRET = "a-secret-for-the-soak";
const TOKEN = "a-token-for-the-soak-of-32-chars";
/** Bodies live for 3 minutes and ids for 9, so that half an hour sees both levels hold. */
const RETENTION = { RETENTION_DAYS: "30", ID_RETENTION_DAYS: "90" };
const TIMES = { ...TIMING, retentionFirstMs: 10_000, retentionEveryMs: 15_000, dayMs: 6_000 };
const BODIES_LIVE_MS = 30 * TIMES.dayMs;

const TICK_MS = 20;
const READING_MS = 5_000;
const REST_TIMEOUT_MS = 120_000;
const MEBIBYTE = 2 ** 20;
const PLOT = fileURLToPath(new URL("../../docs/soak.svg", import.meta.url));
/** Shorter runs end before the file has reached its level. */
const PLOTTED_MINUTES = 30;

interface Reading {
  minute: number;
  memoryMib: number;
  fileMib: number;
  logMib: number;
  openFiles: number;
  p50Ms: number;
  p99Ms: number;
}

const stage = await Stage.make();
const faults: string[] = [];
try {
  const server = await stage.server({
    env: {
      ...RETENTION,
      WEBHOOK_SECRET_GENERIC: SECRET,
      ADMIN_TOKEN: TOKEN,
      WORKFLOWS_DIR: fileURLToPath(new URL("workflows", import.meta.url)),
      LOG_LEVEL: "warn",
    },
    timing: { ...TIMES, standstillMs: 30_000 },
  });
  const sender = new Sender(server.origin, SECRET, TOKEN);
  const readings = await load(server, sender);
  await rest(server, sender);
  await sender.close();
  await stopped(server);
  faults.push(...sender.faults.slice(0, 20), ...storedFaults(sender), ...growth(readings));
  console.log(JSON.stringify(Object.fromEntries(sender.sent)));
  const [first, last] = [middleOf(readings, 0.3, 0.4), middleOf(readings, 0.9, 1)];
  console.log(JSON.stringify({ minutes: MINUTES, rate: RATE, first, last, faults }, null, 2));
  if (MINUTES >= PLOTTED_MINUTES) await writeFile(PLOT, plot(readings));
} finally {
  await stage.close();
}
process.exitCode = faults.length === 0 ? 0 : 1;

async function load(server: SpawnedServer, sender: Sender): Promise<Reading[]> {
  const readings: Reading[] = [];
  const startedAt = performance.now();
  const elapsed = (): number => performance.now() - startedAt;
  let due = 0;
  for (let nextReading = READING_MS; elapsed() < MINUTES * 60_000; ) {
    for (due += (RATE * TICK_MS) / 1_000; due >= 1; due--) void sender.send(Math.random());
    if (elapsed() >= nextReading) {
      const reading = read(server, sender, elapsed() / 60_000);
      readings.push(reading);
      nextReading += READING_MS;
      if (readings.length % 12 === 0) console.log(JSON.stringify(reading));
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  return readings;
}

function read({ pid }: SpawnedServer, sender: Sender, minute: number): Reading {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const latencies = sender.takeLatencies();
  const at = (part: number): number => latencies[Math.floor(latencies.length * part)] ?? 0;
  return {
    minute: round(minute),
    memoryMib: round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024),
    fileMib: round(statSync(stage.file.path).size / MEBIBYTE),
    logMib: round(statSync(`${stage.file.path}-wal`).size / MEBIBYTE),
    openFiles: readdirSync(`/proc/${pid}/fd`).length,
    p50Ms: round(at(0.5)),
    p99Ms: round(at(0.99)),
  };
}

/** Until every answer is there and every run has ended. */
async function rest(server: SpawnedServer, sender: Sender): Promise<void> {
  await until(() => sender.underWay === 0, "all answers", REST_TIMEOUT_MS);
  const headers = { authorization: `Bearer ${TOKEN}` };
  const isEmpty = async (status: string): Promise<boolean> => {
    const response = await fetch(`${server.origin}/runs?status=${status}&limit=1`, { headers });
    return ((await response.json()) as { items: unknown[] }).items.length === 0;
  };
  await until(async () => (await isEmpty("queued")) && (await isEmpty("running")), "rest", REST_TIMEOUT_MS);
}

/** What must not be in the file, now that all is at rest and the server has ended. */
function storedFaults({ accepted }: Sender): string[] {
  const { file } = stage;
  const found: string[] = [];
  const none = (what: string, sql: string): void => {
    for (const row of file.rows(`${sql} LIMIT 5`)) found.push(`${what}: ${JSON.stringify(row)}`);
  };
  none("integrity", "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'");
  none("failed", "SELECT id, workflow_name, error FROM runs WHERE status = 'failed'");
  none(
    "twice",
    "SELECT webhook_id FROM webhook_events WHERE webhook_id IS NOT NULL GROUP BY webhook_id HAVING count(*) > 1",
  );
  none(
    "erased before its run ended",
    "SELECT r.id FROM runs r JOIN webhook_events e ON e.seq = r.event_seq WHERE e.erased_at < r.ended_at",
  );
  const stored = new Set(file.rows("SELECT id FROM runs").map(({ id }) => id));
  const young = accepted.filter(({ at }) => Date.now() - at < BODIES_LIVE_MS);
  if (young.length === 0) found.push("nothing was accepted in the last minutes");
  for (const { runId } of young) if (!stored.has(runId)) found.push(`lost: ${runId}`);
  return found.slice(0, 20);
}

/** The level of the end against that of the second third, by which retention has begun to keep it. */
function growth(readings: readonly Reading[]): string[] {
  if (MINUTES < PLOTTED_MINUTES) return [];
  const [middle, end] = [middleOf(readings, 0.4, 0.6), middleOf(readings, 0.9, 1)];
  const bounds = { memoryMib: 1.2, fileMib: 1.1, openFiles: 1.1, p50Ms: 2 } as const;
  return Object.entries(bounds).flatMap(([name, factor]) => {
    const [before, after] = [middle, end].map((level) => level[name as keyof typeof bounds]) as [
      number,
      number,
    ];
    return after <= before * factor ? [] : [`${name} grew from ${before} to ${after}`];
  });
}

/** The median of each figure within a part of the time. */
function middleOf(readings: readonly Reading[], from: number, to: number): Reading {
  const part = readings.slice(Math.floor(readings.length * from), Math.ceil(readings.length * to));
  const median = (name: keyof Reading): number =>
    part.map((reading) => reading[name]).sort((a, b) => a - b)[Math.floor(part.length / 2)] ?? 0;
  return {
    minute: median("minute"),
    memoryMib: median("memoryMib"),
    fileMib: median("fileMib"),
    logMib: median("logMib"),
    openFiles: median("openFiles"),
    p50Ms: median("p50Ms"),
    p99Ms: median("p99Ms"),
  };
}

function plot(readings: readonly Reading[]): string {
  const line = (name: keyof Reading): number[] => readings.map((reading) => reading[name]);
  return plotSvg(`${MINUTES} minutes of mixed load, ${RATE} requests a second`, line("minute"), [
    { title: "Memory", unit: "MiB", lines: { resident: line("memoryMib") } },
    { title: "Size", unit: "MiB", lines: { database: line("fileMib"), log: line("logMib") } },
    { title: "Open files", unit: "descriptors", lines: { open: line("openFiles") } },
    { title: "Latency of a delivery", unit: "ms", lines: { median: line("p50Ms"), "99 %": line("p99Ms") } },
  ]);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
