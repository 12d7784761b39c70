import type { Bench } from "../bench.ts";
import { type Figure, Section } from "../figures.ts";

/** What a node of a flow costs beside a step of code: ten of each, which do next to nothing. */
export async function measureFlows(bench: Bench): Promise<Figure[]> {
  const { rounds, seconds } = bench.options;
  const [code] = bench.present("latchhook-ten-steps");
  const [flow] = bench.present("latchhook-ten-nodes");
  if (code === undefined || flow === undefined) return [];
  const title = "a flow of 10 set nodes, 64 connections, 400 bytes: runs succeeded a second";
  const section = new Section(title, "code with 10 steps", "/s");
  for (let round = 1; round <= rounds; round++) {
    let base: number | null = null;
    for (const contestant of [code, flow]) {
      const deliveries = await bench.deliveriesFor(contestant, 400, seconds);
      const what = `flows, round ${round} of ${rounds}`;
      const result = await bench.play(what, contestant, { deliveries, connections: 64, seconds });
      if (result === null || result.runRate === null) continue;
      base ??= result.runRate;
      section.add(contestant.name, result.runRate, contestant === code ? null : base);
    }
  }
  return section.figures;
}
