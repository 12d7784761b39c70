/** A process that lives through the worlds it is told to. Started by `pool.ts`. */
import { MUTANTS } from "./mutants.ts";
import type { Job, JobResult } from "./pool.ts";
import { compileProgram, type Program } from "./program.ts";
import { describeReport, shrink } from "./shrink.ts";
import { simulate } from "./simulate.ts";
import { makeTemplate } from "./template.ts";

const template = await makeTemplate();
const programs = new Map<string | null, Program>();

async function programOf(name: string | null): Promise<Program> {
  const known = programs.get(name);
  if (known !== undefined) return known;
  const mutant = name === null ? null : (MUTANTS.find((each) => each.name === name) ?? null);
  if (mutant === null && name !== null) throw new Error(`Cannot find the mutant ${name}`);
  const program = await compileProgram(mutant);
  programs.set(name, program);
  return program;
}

async function run({ mutant, seeds, isEnoughWithOne }: Job): Promise<JobResult> {
  const program = await programOf(mutant);
  const [broken, hashes]: [{ seed: number; text: string }[], string[]] = [[], []];
  const counts = new Map<string, number>();
  for (const seed of seeds) {
    const report = await simulate(program, template, seed);
    hashes.push(report.hash);
    for (const [what, count] of report.counts) counts.set(what, (counts.get(what) ?? 0) + count);
    if (report.faults.length === 0) continue;
    const shown = mutant === null ? await shrink(program, template, seed) : report;
    broken.push({ seed, text: describeReport(shown) });
    if (isEnoughWithOne) break;
  }
  return { broken, hashes, counts: [...counts] };
}

process.on("message", (job) => {
  void run(job as Job).then((result) => process.send?.(result));
});
