import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "../bench.ts";
import { type Figure, Section } from "../figures.ts";
import { BENCH } from "../root.ts";
import { ownNode } from "../runtimes.ts";
import { type Command, startServer } from "../server-process.ts";

/** What it takes to start, and to do nothing. */
export async function measureRest(bench: Bench): Promise<Figure[]> {
  const { rounds, idleSeconds, isQuick } = bench.options;
  const settleMs = isQuick ? QUICK_SETTLE_MS : SETTLE_MS;
  const starts = new Section("start to listening", "an empty program with the same loader", "ms");
  const idle = new Section(`processor time while idle, over ${idleSeconds} s`, "bare", "% of a core");
  const empty: Command = {
    program: ownNode.program,
    args: [...ownNode.args, join(BENCH, "servers", "empty.ts")],
  };
  // Whatever the loader caches is cached by then.
  await timeStart(empty, 0, settleMs);
  for (let round = 1; round <= rounds; round++) {
    const base = await timeStart(empty, 0, settleMs);
    starts.add("empty", base.startMs, null);
    let baseIdle: number | null = null;
    for (const contestant of bench.present("bare", "latchhook-accept", "latchhook-run", "fastify")) {
      const folder = mkdtempSync(join(bench.folder, "rest-"));
      try {
        // Idle time hardly differs from round to round, and each one is long.
        const seconds = round === 1 ? idleSeconds : 0;
        const { startMs, idlePercent } = await timeStart(
          contestant.command(join(folder, "bench.db")),
          seconds,
          settleMs,
        );
        console.log(`  rest, round ${round} of ${rounds}: ${contestant.name} ${Math.round(startMs)} ms`);
        starts.add(contestant.name, startMs, base.startMs);
        if (contestant.name === "bare" && idlePercent !== null) baseIdle = idlePercent;
        if (idlePercent !== null) idle.add(contestant.name, idlePercent, baseIdle);
      } catch (error) {
        bench.fail(`rest: ${contestant.name}`, error);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  }
  return [...starts.figures, ...idle.figures];
}

/** Node itself works on for some ten seconds after a start; a bare server does, too. */
const SETTLE_MS = 15_000;
const QUICK_SETTLE_MS = 1_000;

async function timeStart(
  command: Command,
  idleSeconds: number,
  settleMs: number,
): Promise<{ startMs: number; idlePercent: number | null }> {
  const server = await startServer(command);
  let idlePercent: number | null = null;
  if (idleSeconds > 0) {
    await pause(settleMs);
    const before = server.cpuSeconds();
    await pause(idleSeconds * 1_000);
    const after = server.cpuSeconds();
    if (before !== null && after !== null) idlePercent = ((after - before) / idleSeconds) * 100;
  }
  await server.stop();
  return { startMs: server.startMs, idlePercent };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
