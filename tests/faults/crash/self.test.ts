import { suite } from "uvu";
import * as assert from "uvu/assert";
import { crash } from "./harness.ts";
import { type Faults, isFaulty } from "./report.ts";

/** Servers with a deliberate fault, what the audit has to call it, and what may come of it besides. */
const BROKEN: readonly [what: string, program: string, fault: keyof Faults, besides: (keyof Faults)[]][] = [
  // What is not stored is taken for new when it comes again, and unknown to a person, who then works on one run of two:
  // the other fails, or sleeps for long where it was to be cancelled.
  [
    "answers before the commit",
    "broken/early-answer.ts",
    "lost",
    ["duplicated", "refused", "wrongEnd", "stuck"],
  ],
  ["records a step before its effect is done", "broken/early-step.ts", "lostEffects", []],
  ["claims the runs of a living owner", "broken/greedy-claim.ts", "overlapping", ["repeatedTooOften"]],
];

const CYCLES = 8;
const SEED = 7;

const test = suite("faults/crash/self");

for (const [what, program, fault, besides] of BROKEN) {
  test(`a server that ${what} is found out, for what it is`, async () => {
    const report = await crash({ cycles: CYCLES, seed: SEED, program: new URL(program, import.meta.url) });
    console.log(JSON.stringify(report));
    assert.ok(report[fault] > 0, `${fault} is 0`);
    assert.ok(isFaulty(report));
    const kinds = new Set(report.faults.map((text) => text.split(":")[0]));
    for (const kind of [fault, ...besides]) kinds.delete(kind);
    assert.equal([...kinds], []);
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
