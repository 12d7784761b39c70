import { suite } from "uvu";
import * as assert from "uvu/assert";
import { crash } from "./harness.ts";
import { type Faults, isFaulty } from "./report.ts";

/** Servers with a deliberate fault, and what the audit has to call it. */
const BROKEN: readonly [what: string, program: string, fault: keyof Faults][] = [
  ["answers before the commit", "broken/early-answer.ts", "lost"],
  ["records a step before its effect is done", "broken/early-step.ts", "lostEffects"],
  ["claims the runs of a living owner", "broken/greedy-claim.ts", "overlapping"],
];

const CYCLES = 8;
const SEED = 7;

const test = suite("faults/crash/self");

for (const [what, program, fault] of BROKEN) {
  test(`a server that ${what} is found out`, async () => {
    const report = await crash({ cycles: CYCLES, seed: SEED, program: new URL(program, import.meta.url) });
    console.log(JSON.stringify(report));
    assert.ok(report[fault] > 0, `${fault} is 0`);
    assert.ok(isFaulty(report));
  });
}

test("the same wiring without a fault is not", async () => {
  const report = await crash({
    cycles: CYCLES,
    seed: SEED,
    program: new URL("server.ts", import.meta.url),
  });
  assert.equal(report.faults, []);
});

test.run();
