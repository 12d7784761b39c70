import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { openLatchhook, type TestLatchhook } from "../support/open-latchhook.ts";

const test = suite<{ opened: TestLatchhook[] }>("runner/steps");
test.before.each((t) => {
  t.opened = [];
});
test.after.each(async (t) => {
  for (const opened of t.opened) await opened.close();
});

/** A Latchhook with this one workflow, `w`. */
async function open(
  t: { opened: TestLatchhook[] },
  options: Parameters<typeof defineWorkflow>[0],
): Promise<TestLatchhook> {
  const opened = await openLatchhook({ workflows: { w: defineWorkflow(options) } });
  t.opened.push(opened);
  return opened;
}

test("a finished step is not done again when a later one throws", async (t) => {
  const calls: string[] = [];
  const { start, reaches, clock } = await open(t, {
    async run({ step }) {
      const a = await step("a", () => calls.push("a"));
      const b = await step("b", () => {
        calls.push("b");
        if (calls.length < 4) throw new Error("not yet");
        return "done";
      });
      return { a, b };
    },
  });
  const id = await start("w");
  await reaches(id, "queued");
  await clock.advance(60_000);
  await clock.advance(60_000);
  const run = await reaches(id, "succeeded");
  assert.equal(calls, ["a", "b", "b", "b"]);
  assert.equal(run.result, { a: 1, b: "done" });
  assert.equal(
    run.attempts.map((attempt) => attempt.status),
    ["failed", "failed", "succeeded"],
  );
  assert.is(run.attempts[0]?.error?.message, "not yet");
});

test("a step gives the JSON form of its result in the first attempt too", async (t) => {
  const seen: unknown[] = [];
  const { start, reaches } = await open(t, {
    async run({ step }) {
      seen.push(await step("date", () => new Date(0)));
      seen.push(await step("nothing", () => undefined));
      seen.push(await step("fields", () => ({ a: undefined, b: Number.NaN, c: [undefined] })));
    },
  });
  await reaches(await start("w"), "succeeded");
  assert.equal(seen, ["1970-01-01T00:00:00.000Z", undefined, { b: null, c: [null] }]);
});

test("fn is given a signal and a key that is the same in every attempt", async (t) => {
  const keys: string[] = [];
  const { start, reaches, clock } = await open(t, {
    async run({ step, attempt }) {
      await step("charge", ({ signal, idempotencyKey }) => {
        assert.not(signal.aborted);
        keys.push(idempotencyKey);
        if (attempt === 1) throw new Error("declined");
      });
    },
  });
  const id = await start("w");
  await reaches(id, "queued");
  await clock.advance(60_000);
  await reaches(id, "succeeded");
  assert.equal(keys, [`${id}:charge`, `${id}:charge`]);
});

for (const [name, value, code] of [
  ["a BigInt", 1n, "result_invalid"],
  [
    "a cycle",
    (() => {
      const cycle: { self?: unknown } = {};
      cycle.self = cycle;
      return cycle;
    })(),
    "result_invalid",
  ],
  ["more than 1 MiB", "x".repeat(1_048_575), "result_too_large"],
] as const) {
  test(`a step that returns ${name} ends the run at once, even where the workflow catches it`, async (t) => {
    const { start, reaches } = await open(t, {
      async run({ step }) {
        await step("odd", () => value as never).catch(() => {});
        return "caught";
      },
    });
    const run = await reaches(await start("w"), "failed");
    assert.is(run.error?.code, code);
    assert.is(run.attempts.length, 1);
  });

  test(`a workflow that returns ${name} ends as failed at once`, async (t) => {
    const { start, reaches } = await open(t, { run: () => value });
    const run = await reaches(await start("w"), "failed");
    assert.is(run.error?.code, code);
    assert.is(run.attempts.length, 1);
  });
}

test("a result of exactly 1 MiB of JSON is kept", async (t) => {
  const { start, reaches } = await open(t, { run: ({ step }) => step("big", () => "x".repeat(1_048_574)) });
  const run = await reaches(await start("w"), "succeeded");
  assert.is((run.result as string).length, 1_048_574);
});

test("a name used twice in one attempt ends the run and says to add the index", async (t) => {
  const { start, reaches } = await open(t, {
    async run({ step }) {
      for (const item of [1, 2]) await step("item", () => item);
    },
  });
  const run = await reaches(await start("w"), "failed");
  assert.match(run.error?.message ?? "", /loop's index/);
  assert.is(run.attempts.length, 1);
});

test("a stored name of another kind ends the run", async (t) => {
  let isSecond = false;
  const { start, reaches, clock } = await open(t, {
    async run({ step }) {
      if (isSecond) await step.sleep("pause", "1s");
      else await step("pause", () => 1);
      isSecond = true;
      throw new Error("again");
    },
  });
  const id = await start("w");
  await reaches(id, "queued");
  await clock.advance(60_000);
  const run = await reaches(id, "failed");
  assert.match(run.error?.message ?? "", /stored it as a step/);
});

test("a sleep frees the slot, is not an attempt that counts, and ends at its time", async (t) => {
  const attempts: number[] = [];
  const { start, run, reaches, clock } = await open(t, {
    concurrency: 1,
    async run({ step, attempt }) {
      attempts.push(attempt);
      await step("before", () => 1);
      await step.sleep("night", "8h");
      return step("after", () => 2);
    },
  });
  const id = await start("w");
  const asleep = await reaches(id, "queued");
  assert.is(asleep.waiting_for, "sleep");
  assert.is(asleep.due_at, "2026-01-01T08:00:00.000Z");
  assert.equal(
    asleep.attempts.map((attempt) => attempt.status),
    ["slept"],
  );
  const other = await start("w"); // the limit of 1 does not count who sleeps
  await reaches(other, "queued");
  await clock.advance(8 * 3_600_000 - 1);
  assert.is((await run(id)).status, "queued");
  await clock.advance(1);
  const done = await reaches(id, "succeeded");
  assert.ok(attempts.every((attempt) => attempt === 1));
  assert.equal(
    done.steps.map(({ name, kind }) => `${kind} ${name}`),
    ["step before", "sleep night", "step after"],
  );
  assert.is(done.steps[1]?.ended_at, "2026-01-01T08:00:00.000Z");
});

test("nothing is thrown when an attempt falls asleep: no finally runs", async (t) => {
  const seen: string[] = [];
  const { start, reaches, clock } = await open(t, {
    async run({ step }) {
      try {
        await step.sleep("nap", "1m");
        seen.push("woke");
      } finally {
        seen.push("finally");
      }
    },
  });
  const id = await start("w");
  await reaches(id, "queued");
  assert.equal(seen, []);
  await clock.advance(60_000);
  await reaches(id, "succeeded");
  assert.equal(seen, ["woke", "finally"]);
});

test("a sleep that comes due while a step is under way resolves in place", async (t) => {
  let finish = (): void => {};
  let attempts = 0;
  const { start, reaches, clock } = await open(t, {
    async run({ step }) {
      attempts++;
      const slow = step(
        "slow",
        () =>
          new Promise<void>((resolve) => {
            finish = resolve;
          }),
      );
      await step.sleep("short", "10s");
      finish();
      await slow;
    },
  });
  const id = await start("w");
  await reaches(id, "running");
  await clock.advance(10_000);
  const run = await reaches(id, "succeeded");
  assert.is(attempts, 1);
  assert.equal(
    run.attempts.map((attempt) => attempt.status),
    ["succeeded"],
  );
});

test("two sleeps at once end the attempt with the earlier wake time", async (t) => {
  const { start, reaches } = await open(t, {
    async run({ step }) {
      await Promise.all([step.sleep("long", "2h"), step.sleep("short", "1h")]);
    },
  });
  assert.is((await reaches(await start("w"), "queued")).due_at, "2026-01-01T01:00:00.000Z");
});

test("steps under way when run returns are waited for, sleeps are dropped", async (t) => {
  let finish = (): void => {};
  const { start, run, reaches } = await open(t, {
    run({ step }) {
      void step(
        "left",
        () =>
          new Promise<void>((resolve) => {
            finish = resolve;
          }),
      );
      void step.sleep("dropped", "1d");
      return "returned";
    },
  });
  const id = await start("w");
  await reaches(id, "running");
  assert.is((await run(id)).status, "running");
  finish();
  const done = await reaches(id, "succeeded");
  assert.ok(done.steps.some((step) => step.name === "left"));
});

test("a step that run left behind and that throws fails the attempt", async (t) => {
  const { start, reaches } = await open(t, {
    retry: { attempts: 1 },
    run({ step }) {
      void step("left", () => Promise.reject(new Error("lost")));
    },
  });
  assert.is((await reaches(await start("w"), "failed")).error?.message, "lost");
});

test("when run throws, steps under way are stored and no new one starts", async (t) => {
  const calls: string[] = [];
  let finish = (_: string): void => {};
  const { start, reaches, clock } = await open(t, {
    async run({ step, attempt }) {
      if (attempt > 1) return step("slow", () => "again");
      void step(
        "slow",
        () =>
          new Promise<string>((resolve) => {
            finish = resolve;
          }),
      )
        .then(() => step("next", () => calls.push("next")))
        .catch((error: Error) => calls.push(error.name));
      await Promise.resolve();
      throw new Error("elsewhere");
    },
  });
  const id = await start("w");
  await reaches(id, "running");
  await clock.advance(1_000);
  finish("first");
  await reaches(id, "queued");
  await clock.advance(60_000);
  const run = await reaches(id, "succeeded");
  assert.is(run.result, "first");
  assert.equal(calls, ["AbortError"]);
});

test.run();
