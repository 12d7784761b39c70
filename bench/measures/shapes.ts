import type { Bench } from "../bench.ts";
import { type Figure, Section } from "../figures.ts";

const SHAPES: readonly { connections: number; bodyBytes: number; title: string }[] = [
  { connections: 8, bodyBytes: 400, title: "8 connections, 400 bytes" },
  { connections: 256, bodyBytes: 400, title: "256 connections, 400 bytes" },
  { connections: 64, bodyBytes: 8_192, title: "64 connections, 8 KiB" },
  { connections: 64, bodyBytes: 262_144, title: "64 connections, 256 KiB" },
];

/** Fewer and more connections, and larger bodies; nobody has set a target for these. */
export async function measureShapes(bench: Bench): Promise<Figure[]> {
  const { rounds } = bench.options;
  // Large bodies fill files quickly, and all shapes together would take longer than what has a target.
  const seconds = Math.min(bench.options.seconds, 2);
  const figures: Figure[] = [];
  for (const { connections, bodyBytes, title } of SHAPES) {
    const section = new Section(`${title}: answers a second`, "bare", "/s");
    for (let round = 1; round <= rounds; round++) {
      let base: number | null = null;
      for (const contestant of bench.present("bare", "latchhook-accept", "fastify")) {
        const deliveries = await bench.deliveriesFor(contestant, bodyBytes, seconds);
        const what = `${title}, round ${round} of ${rounds}`;
        const result = await bench.play(what, contestant, { deliveries, connections, seconds });
        if (result === null) continue;
        if (contestant.name === "bare") base = result.load.rate;
        section.add(contestant.name, result.load.rate, base);
      }
    }
    if (bodyBytes > 400) bench.forgetDeliveries();
    figures.push(...section.figures);
  }
  return figures;
}
