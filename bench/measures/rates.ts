import type { Bench } from "../bench.ts";
import { type Figure, Section } from "../figures.ts";
import type { RoundResult } from "../round.ts";

/** Who does how much of it: everyone at 64 connections with bodies of 400 bytes. */
export async function measureRates(bench: Bench): Promise<Figure[]> {
  const { rounds, seconds } = bench.options;
  const shape = "64 connections, 400 bytes";
  const rates = new Section(`${shape}: answers a second`, "bare", "/s");
  const runs = new Section(`${shape}: runs succeeded a second, until the last one`, "answers of bare", "/s");
  const tails = new Section(`${shape}: p99 of an answer`, "bare", "ms");
  for (let round = 1; round <= rounds; round++) {
    let bare: RoundResult | null = null;
    for (const contestant of bench.present()) {
      const deliveries = await bench.deliveriesFor(contestant, 400, seconds);
      const what = `rates, round ${round} of ${rounds}`;
      const result = await bench.play(what, contestant, { deliveries, connections: 64, seconds });
      if (result === null) continue;
      if (contestant.name === "bare") bare = result;
      rates.add(contestant.name, result.load.rate, bare?.load.rate ?? null);
      tails.add(contestant.name, result.load.p99Ms, bare?.load.p99Ms ?? null);
      if (result.runRate !== null) runs.add(contestant.name, result.runRate, bare?.load.rate ?? null);
    }
  }
  return [...rates.figures, ...runs.figures, ...tails.figures];
}
