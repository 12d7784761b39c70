import type { Program } from "./program.ts";
import { type Report, simulate } from "./simulate.ts";
import { describeDisturbance } from "./weather.ts";

/** Leaves out one disturbance after the other for as long as the seed still breaks a promise. */
export async function shrink(program: Program, template: Buffer, seed: number): Promise<Report> {
  const without = new Set<number>();
  let report = await simulate(program, template, seed);
  for (let at = report.weather.disturbances.length - 1; at >= 0; at--) {
    const less = await simulate(program, template, seed, { without: new Set([...without, at]) });
    if (less.faults.length === 0) continue;
    without.add(at);
    report = less;
  }
  return report;
}

/** What a person needs to know of a seed that broke a promise. */
export function describeReport({ seed, faults, weather, ms }: Report): string {
  const slots = weather.slots.map(({ name, role, concurrency }) => `${name} ${role} ${concurrency}`);
  return [
    `seed ${seed}, ${Math.round(ms)} ms of its own time, ${slots.join(", ")}; SIM_SEED=${seed} shows its trace`,
    ...faults.map((fault) => `  broken: ${fault}`),
    ...weather.disturbances.map((disturbance) => `  needs: ${describeDisturbance(disturbance)}`),
  ].join("\n");
}
