import type { Bench } from "../bench.ts";
import { type Figure, Section } from "../figures.ts";

const MIB = 1_048_576;

/** Many deliveries at once: all of them are accepted and run, and what the server's memory is after it. */
export async function measureBurst(bench: Bench): Promise<Figure[]> {
  const { burst, rounds } = bench.options;
  const title = `burst of ${burst.toLocaleString("en")}, 64 connections, 400 bytes`;
  const rates = new Section(`${title}: answers a second`, "bare", "/s");
  const runs = new Section(`${title}: runs succeeded a second`, "answers of bare", "/s");
  const memory = new Section(`${title}: memory after it`, "bare", "MiB");
  // It is long, so that its rounds differ less.
  const burstRounds = Math.min(rounds, 3);
  for (let round = 1; round <= burstRounds; round++) {
    let base: { rate: number; memory: number | null } | null = null;
    for (const contestant of bench.present("bare", "latchhook-accept", "latchhook-run", "fastify")) {
      await bench.withOwn({ count: burst, bodyBytes: 400 }, async (deliveries) => {
        let bytes: number | null = null;
        const result = await bench.play(`burst, round ${round} of ${burstRounds}`, contestant, {
          ...{ deliveries, connections: 64, seconds: null, warmUpSeconds: 0, drainMs: 600_000 },
          look: (server) => {
            bytes = server.memoryBytes();
          },
        });
        if (result === null) return;
        if (contestant.name === "bare") base = { rate: result.load.rate, memory: bytes };
        rates.add(contestant.name, result.load.rate, base?.rate ?? null);
        if (result.runRate !== null) runs.add(contestant.name, result.runRate, base?.rate ?? null);
        const baseMemory = base?.memory ?? null;
        if (bytes !== null)
          memory.add(contestant.name, bytes / MIB, baseMemory === null ? null : baseMemory / MIB);
      });
    }
  }
  return [...rates.figures, ...runs.figures, ...memory.figures];
}
