import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Bench } from "../bench.ts";
import { type Figure, Section } from "../figures.ts";
import { BENCH } from "../root.ts";
import { ownNode } from "../runtimes.ts";

/** What a sender waits that is alone: an HTTP exchange and an fsync are the floor, the rest is ours. */
export async function measureLone(bench: Bench): Promise<Figure[]> {
  const { rounds, seconds } = bench.options;
  const section = new Section("1 connection, 400 bytes: p50 of an answer", "bare + a bare transaction", "ms");
  for (let round = 1; round <= rounds; round++) {
    const transaction = timeTransactions(bench.folder, seconds);
    console.log(`  lone, round ${round} of ${rounds}: a transaction ${transaction.toFixed(3)} ms`);
    section.add("transaction", transaction, null);
    let floor: number | null = null;
    for (const contestant of bench.present("bare", "latchhook-accept", "fastify", "hono")) {
      const deliveries = await bench.deliveriesFor(contestant, 400, seconds);
      const what = `lone, round ${round} of ${rounds}`;
      const result = await bench.play(what, contestant, { deliveries, connections: 1, seconds });
      if (result === null) continue;
      if (contestant.name === "bare") floor = result.load.p50Ms + transaction;
      section.add(contestant.name, result.load.p50Ms, contestant.name === "bare" ? null : floor);
    }
  }
  return section.figures;
}

/** In a process of its own, as servers are. @returns the median in milliseconds */
function timeTransactions(folder: string, seconds: number): number {
  const args = [...ownNode.args, join(BENCH, "transaction.ts"), folder, String(seconds)];
  return Number(execFileSync(ownNode.program, args, { encoding: "utf8" }));
}
