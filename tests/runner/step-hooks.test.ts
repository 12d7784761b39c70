import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { NewStep } from "../../lib/repositories.ts";
import { MemoryAttempt } from "../../lib/runner/memory-attempt.ts";
import { Steps, type StepsHost } from "../../lib/runner/steps.ts";
import { hooksOf } from "../../lib/step-hooks.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { rejects } from "../support/rejects.ts";
import { until } from "../support/until.ts";

const test = suite("runner/step-hooks");

/** An attempt's side of its steps. */
function hostOf(
  isOurs: boolean | Promise<boolean>,
): StepsHost & { stored: NewStep[]; isLost: boolean; foreseen: unknown[] } {
  const stored: NewStep[] = [];
  const host = {
    runId: "run_1",
    signal: new AbortController().signal,
    abortReason: null as DOMException | null,
    clock: new ManualClock(),
    stored: [] as never[],
    isLost: false,
    ensureLease: () => isOurs,
    store: async (step: NewStep) => stored.push(step) > 0,
    lose() {
      host.isLost = true;
      host.abortReason = new DOMException("lost", "AbortError");
    },
    foreseen: [] as unknown[],
    foresee: (error: unknown) => host.foreseen.push(error),
    charge: (error: unknown) => assert.unreachable(String(error)),
    sleepUntil: () => assert.unreachable("nobody sleeps"),
  };
  return Object.assign(host, { stored }) as never;
}

for (const [how, isOurs] of [
  ["at once", false],
  ["in a moment", Promise.resolve(false)],
] as const) {
  test(`where the run is another attempt's, known ${how}, a group does not begin`, async () => {
    const host = hostOf(isOurs);
    const group = hooksOf(new Steps(host).step).group;
    await rejects(
      group("g", () => assert.unreachable("it began")),
      /^lost$/,
    );
    assert.ok(host.isLost);
    assert.equal(host.stored, []);
  });
}

test("a group's result is stored as a step once its own steps are, and is what JSON makes of it", async () => {
  const host = hostOf(true);
  const steps = new Steps(host);
  const result = await hooksOf(steps.step).group("g", async () => {
    await steps.step("g/one", () => 1);
    return { at: new Date(0) };
  });
  assert.equal(result, { at: "1970-01-01T00:00:00.000Z" });
  assert.equal(
    host.stored.map(({ name, kind }) => `${kind} ${name}`),
    ["step g/one", "step g"],
  );
});

test("an attempt that ends waits for groups under way, and not for those that sleep", async () => {
  const host = hostOf(true);
  const steps = new Steps(host);
  const told: string[] = [];
  let end = (): void => {};
  const busy = hooksOf(steps.step).group("busy", async () => {
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    told.push("busy ended");
    await steps.step("busy/late", () => told.push("begun too late"));
  });
  const tired = hooksOf(steps.step).group("tired", () => steps.step.sleep("tired/nap", "1h"));
  void tired.then(() => told.push("woke up"));
  await until(() => host.stored.length === 1, "the nap to be stored");
  host.lose();
  const closed = steps.close().then(() => told.push("closed"));
  await new Promise(setImmediate);
  assert.equal(told, []);
  end();
  await rejects(busy, /^lost$/);
  await closed;
  assert.equal(told, ["busy ended", "closed"]);
});

test("an attempt that has failed begins nothing, waits for what has begun, and does not fall asleep", async () => {
  const host = hostOf(true);
  const steps = new Steps(host);
  const { group, fail } = hooksOf(steps.step);
  let end = (): void => {};
  const begun = steps.step(
    "begun",
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  void group("tired", () => steps.step.sleep("tired/nap", "1h"));
  const remembers = group("remembers", async () => {
    await begun;
    return 1;
  });
  await until(() => host.stored.length === 1, "the nap to be stored");
  let failure: unknown = null;
  const failed = fail(new Error("first")).then((error) => {
    failure = error;
  });
  void fail(new Error("second"));
  const begins = (): void => {
    assert.unreachable("it began");
  };
  const held = [steps.step("next", begins), group("more", begins), steps.step.sleep("nap", "1s")];
  let settled = 0;
  for (const each of held) each.then(begins, () => settled++);
  assert.is(await steps.step("begun/part", () => 2), 2);
  assert.is(failure, null);
  end();
  await failed;
  assert.is(String(failure), "Error: first");
  assert.is(await remembers, 1);
  await (host.clock as ManualClock).advance(1);
  assert.equal(host.stored.map(({ name }) => name).sort(), ["begun", "begun/part", "remembers", "tired/nap"]);
  assert.ok(host.foreseen.every((error) => String(error) === "Error: first"));
  assert.is(settled, 0);
  host.lose();
  await steps.close();
  await Promise.allSettled(held);
  assert.is(settled, 3);
});

test("run directly, a failure holds back steps, groups and sleeps, too", async () => {
  const clock = new ManualClock();
  const { step } = new MemoryAttempt(clock, "run_1", 60_000);
  const { group, fail } = hooksOf(step);
  assert.is(String(await fail(new Error("first"))), "Error: first");
  let settled = 0;
  const begins = (): number => ++settled;
  for (const each of [step("a", begins), group("b", begins), step.sleep("c", "1s")])
    void each.then(begins, begins);
  await clock.advance(5_000);
  assert.is(settled, 0);
});

test("code that tries again for ever is not answered for ever once its attempt is over", async () => {
  const host = hostOf(true);
  const steps = new Steps(host);
  host.lose();
  await steps.close();
  let tries = 0;
  void (async () => {
    for (;;) {
      tries++;
      await steps.step(`try-${tries}`, () => assert.unreachable("it began")).catch(() => {});
    }
  })();
  await new Promise(setImmediate);
  assert.is(tries, 1_001);
});

test("an attempt that sleeps ends, though its groups never do", async () => {
  let dueAt = 0;
  const clock = new ManualClock();
  const sleepUntil = (at: number): void => {
    dueAt = at;
  };
  const steps = new Steps({ ...hostOf(true), clock, sleepUntil });
  void hooksOf(steps.step).group("g", () => steps.step.sleep("g/nap", "1m"));
  await clock.advance(0);
  assert.is(dueAt, clock.now() + 60_000);
  await steps.close();
});

test("a group that throws is not remembered, and its name is taken", async () => {
  const host = hostOf(true);
  const group = hooksOf(new Steps(host).step).group;
  await rejects(
    group("g", () => {
      throw new Error("no luck");
    }),
    /no luck/,
  );
  assert.equal(host.stored, []);
  await rejects(
    group("g", () => 1),
    /a step of this run has the name already/,
  );
});

test.run();
