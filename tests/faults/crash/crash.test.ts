import { suite } from "uvu";
import * as assert from "uvu/assert";
import { crash } from "./harness.ts";
import { planCycle } from "./plan.ts";
import { isFaulty, missedHits } from "./report.ts";

const CYCLES = 25;

const test = suite("faults/crash");

test("a seed decides what is delivered and when each kill comes, and another seed something else", () => {
  const plans = (seed: number): string =>
    JSON.stringify(Array.from({ length: CYCLES }, (_, at) => planCycle(seed, at)));
  assert.is(plans(7), plans(7));
  assert.is.not(plans(7).replaceAll("-7-", "-8-"), plans(8));
});

test(`after ${CYCLES} lives that kill -9 ended on one database, every promise that was made is kept`, async () => {
  const seed = Number(process.env.CRASH_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`seed ${seed}: npm run test:crash -- --cycles ${CYCLES} --seed ${seed}`);
  const report = await crash({ cycles: CYCLES, seed });
  console.log(JSON.stringify(report));
  assert.equal(report.faults, []);
  assert.not(isFaulty(report));
  assert.is(report.accepted, report.deliveries);
  assert.ok(report.kills >= CYCLES, `only ${report.kills} kills`);
  assert.ok(report.repeats <= report.repeatsMax, `${report.repeats} repeats`);
  assert.equal(missedHits(report), []);
});

test.run();
