import type { Bench } from "../bench.ts";
import { type Figure, Section } from "../figures.ts";

/** How soon a run has succeeded when the server has half of the work that it can do, in an open loop. */
export async function measureHalfLoad(bench: Bench): Promise<Figure[]> {
  const { rounds, seconds } = bench.options;
  const [ours] = bench.present("latchhook-run");
  const [bare] = bench.present("bare");
  if (ours === undefined || bare === undefined) return [];
  const title = "half load, 64 connections, 400 bytes: p99";
  const section = new Section(title, "p99 of bare's answers at the same rate", "ms");
  for (let round = 1; round <= rounds; round++) {
    const what = `half load, round ${round} of ${rounds}`;
    const deliveries = await bench.deliveriesFor(ours, 400, seconds);
    const full = await bench.play(`${what}, full`, ours, { deliveries, connections: 64, seconds });
    if (full === null || full.runRate === null) continue;
    const load = { deliveries, connections: 64, seconds, rate: full.runRate / 2 };
    const base = await bench.play(what, bare, load);
    const half = await bench.play(what, ours, load);
    if (base === null || half === null) continue;
    section.add("bare, answer", base.load.p99Ms, null);
    section.add("latchhook-run, answer", half.load.p99Ms, base.load.p99Ms);
    const p99Ms = half.stored?.p99Ms ?? null;
    if (p99Ms !== null) section.add("latchhook-run, accepted to succeeded", p99Ms, base.load.p99Ms);
  }
  return section.figures;
}
