/**
 * Our program in thousands of worlds of its own making. `SIM_SEEDS=20000` lives through more of them, `SIM_FROM=5000`
 * through others, and `SIM_SEED=56` through one, whose trace it prints.
 */
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { MET } from "./met.ts";
import { MUTANTS } from "./mutants.ts";
import { type Job, runJobs } from "./pool.ts";
import { compileProgram } from "./program.ts";
import { describeReport, shrink } from "./shrink.ts";
import { simulate } from "./simulate.ts";
import { makeTemplate } from "./template.ts";

const SEEDS = Number(process.env.SIM_SEEDS ?? 1_000);
const FROM = Number(process.env.SIM_FROM ?? 1);
const ONE = process.env.SIM_SEED;

/** So many seeds a worker is given at once. */
const SEEDS_A_JOB = 25;

/** How far a mutant is looked for where its own seed does not show it any more. */
const MUTANT_SEEDS = 1_500;

const test = suite("simulation");

if (ONE !== undefined)
  test(`seed ${ONE} keeps every promise`, async () => {
    const [program, template] = [await compileProgram(), await makeTemplate()];
    const report = await simulate(program, template, Number(ONE), { isTraced: true });
    console.log(report.lines?.join("\n"));
    const shown = report.faults.length === 0 ? report : await shrink(program, template, report.seed);
    console.log(describeReport(shown));
    assert.equal(report.faults, []);
  });
else {
  test(`${SEEDS} worlds keep every promise, and meet every fault and state there is`, async () => {
    const seeds = Array.from({ length: SEEDS }, (_, at) => FROM + at);
    const results = await runJobs(jobsOf(null, seeds));
    const broken = results.flatMap((result) => result.broken);
    assert.is(broken.map(({ text }) => text).join("\n"), "");
    const counts = new Map<string, number>();
    for (const [what, count] of results.flatMap((result) => result.counts)) {
      counts.set(what, (counts.get(what) ?? 0) + count);
    }
    console.log(
      `\n${[...counts]
        .sort()
        .map(([what, count]) => `${String(count).padStart(8)}  ${what}`)
        .join("\n")}`,
    );
    const missing = MET.filter((what) => !counts.has(what));
    assert.equal(missing, [], "a world in which a thing never happens shows nothing about it");
  });

  test("a seed does the same each time, also in another process and after other seeds", async () => {
    const seeds = Array.from({ length: 40 }, (_, at) => FROM + at);
    const [program, template] = [await compileProgram(), await makeTemplate()];
    const [there] = await runJobs([{ mutant: null, seeds, isEnoughWithOne: false }]);
    const here: string[] = [];
    for (const seed of [...seeds].reverse()) here.unshift((await simulate(program, template, seed)).hash);
    assert.equal(here, there?.hashes);
    assert.is(new Set(here).size, seeds.length, "and no two seeds do the same");
  });

  test(`${MUTANTS.length} bugs that were put in on purpose are found`, async () => {
    // Each by the seed that has shown it before; where the program has changed since, by any.
    const known = await runJobs(
      MUTANTS.map(({ name, seed }) => ({ mutant: name, seeds: [seed], isEnoughWithOne: true })),
    );
    const left = MUTANTS.filter((_, at) => known[at]?.broken.length === 0);
    const seeds = Array.from({ length: MUTANT_SEEDS }, (_, at) => 1 + at);
    const searched = await runJobs(left.map(({ name }) => ({ mutant: name, seeds, isEnoughWithOne: true })));
    for (const [at, { name }] of left.entries()) {
      const found = searched[at]?.broken[0];
      console.log(`${name}: its seed is ${found === undefined ? "none" : found.text} now`);
    }
    assert.equal(
      left.filter((_, at) => searched[at]?.broken.length === 0).map(({ name }) => name),
      [],
    );
  });
}

test.run();

function jobsOf(mutant: string | null, seeds: readonly number[]): Job[] {
  const jobs: Job[] = [];
  for (let at = 0; at < seeds.length; at += SEEDS_A_JOB) {
    jobs.push({ mutant, seeds: seeds.slice(at, at + SEEDS_A_JOB), isEnoughWithOne: false });
  }
  return jobs;
}
