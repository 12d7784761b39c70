import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "../bench.ts";
import { type Figure, Section } from "../figures.ts";
import { seed } from "../stored.ts";

/** Whether a file with millions of events takes more of them as fast as an empty one. */
export async function measureFullFile(bench: Bench): Promise<Figure[]> {
  const { rounds, seconds, rows } = bench.options;
  const contestants = bench.present("latchhook-accept", "latchhook-run");
  if (contestants.length === 0) return [];
  const title = `${rows.toLocaleString("en")} events stored, 64 connections, 400 bytes`;
  const rates = new Section(`${title}: answers a second`, "the same with an empty file", "/s");
  const tails = new Section(`${title}: p99 of an answer`, "the same with an empty file", "ms");
  const database = join(bench.folder, "full.db");
  console.log(`  full file: storing ${rows} events`);
  const startedAt = performance.now();
  await seed(database, rows);
  console.log(`  full file: stored in ${Math.round((performance.now() - startedAt) / 1_000)} s`);
  try {
    for (let round = 1; round <= rounds; round++) {
      for (const contestant of contestants) {
        const what = `full file, round ${round} of ${rounds}`;
        // Each round adds to the same file, so its ids must be new ones.
        const count = await bench.countFor(400, seconds);
        await bench.withOwn({ count, bodyBytes: 400 }, async (deliveries) => {
          const load = { deliveries, connections: 64, seconds };
          const empty = await bench.play(`${what}, empty`, contestant, load);
          const full = await bench.play(what, contestant, { ...load, database });
          if (empty === null || full === null) return;
          rates.add(contestant.name, full.load.rate, empty.load.rate);
          tails.add(contestant.name, full.load.p99Ms, empty.load.p99Ms);
        });
      }
    }
  } finally {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(database + suffix, { force: true });
  }
  return [...rates.figures, ...tails.figures];
}
