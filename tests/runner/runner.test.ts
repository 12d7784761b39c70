import { suite } from "uvu";
import * as assert from "uvu/assert";
import { nextTurn } from "../../lib/clock.ts";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { WebhookError } from "../../lib/errors.ts";
import type { Storage } from "../../lib/repositories.ts";
import { createStorageBackend } from "../../lib/storage/backend.ts";
import { createInnerLatchhook } from "../../lib/wiring/latchhook.ts";
import type { AnyWorkflow } from "../../lib/workflow.ts";
import { FatalError, RetryError } from "../../lib/workflow-errors.ts";
import { ADMIN_TOKEN, openLatchhook, type TestLatchhook } from "../support/open-latchhook.ts";
import { rejects } from "../support/rejects.ts";
import { claimOf, eventOf, firstPage, runOf } from "../support/stored.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { until } from "../support/until.ts";

type T = { opened: TestLatchhook[] };
const test = suite<T>("runner/runner");
test.before.each((t) => {
  t.opened = [];
});
test.after.each(async (t) => {
  for (const opened of t.opened) await opened.close();
});

async function open(
  t: T,
  workflows: Record<string, AnyWorkflow>,
  options: object = {},
): Promise<TestLatchhook> {
  const opened = await openLatchhook({ workflows, ...options });
  t.opened.push(opened);
  return opened;
}

/** The turns in which the first claim finds nothing; until then nobody knows whether others wait for the slots. */
async function firstClaim(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

const never = (): Promise<never> => new Promise(() => {});

test("an error is tried again with growing jitter until the attempts are used up", async (t) => {
  const w = defineWorkflow({
    retry: { attempts: 3, minDelay: "10s", maxDelay: "1m" },
    run: () => {
      throw new Error("down");
    },
  });
  const { start, reaches, clock } = await open(t, { w }, { random: () => 0.5 });
  const id = await start("w");
  const first = await reaches(id, "queued");
  assert.is(first.waiting_for, "retry");
  assert.is(first.due_at, "2026-01-01T00:00:05.000Z");
  await clock.advance(5_000);
  assert.is((await reaches(id, "queued")).due_at, "2026-01-01T00:00:15.000Z");
  await clock.advance(10_000);
  const run = await reaches(id, "failed");
  assert.equal(
    run.attempts.map(({ attempt, status }) => [attempt, status]),
    [
      [1, "failed"],
      [2, "failed"],
      [3, "failed"],
    ],
  );
  assert.equal(run.error, { code: "error", message: "down" });
});

test("FatalError ends the run, RetryError names the time", async (t) => {
  const workflows = {
    fatal: defineWorkflow({
      run: () => {
        throw new FatalError("no such customer");
      },
    }),
    after: defineWorkflow({
      run: () => {
        throw new RetryError("rate limit", { after: "90s" });
      },
    }),
    until: defineWorkflow({
      run: () => {
        throw new RetryError("closed", { after: new Date("2026-01-02T06:00:00Z") });
      },
    }),
    odd: defineWorkflow({
      run: () => {
        throw new RetryError("typo", { after: "soon" as "1s" });
      },
    }),
  };
  const { start, reaches } = await open(t, workflows);
  const fatal = await reaches(await start("fatal"), "failed");
  assert.equal(fatal.error, { code: "fatal", message: "no such customer" });
  assert.is((await reaches(await start("after"), "queued")).due_at, "2026-01-01T00:01:30.000Z");
  assert.is((await reaches(await start("until"), "queued")).due_at, "2026-01-02T06:00:00.000Z");
  assert.ok((await reaches(await start("odd"), "queued")).due_at);
});

test("whatever is thrown, its text is kept and cut to 16 KiB", async (t) => {
  const workflows = {
    text: defineWorkflow({
      retry: { attempts: 1 },
      run: () => {
        throw "just text";
      },
    }),
    nothing: defineWorkflow({ retry: { attempts: 1 }, run: () => Promise.reject(undefined) }),
    long: defineWorkflow({
      retry: { attempts: 1 },
      run: () => {
        throw new Error("é".repeat(20_000));
      },
    }),
  };
  const { start, reaches } = await open(t, workflows);
  assert.is((await reaches(await start("text"), "failed")).error?.message, "just text");
  assert.is((await reaches(await start("nothing"), "failed")).error?.message, "undefined");
  assert.is((await reaches(await start("long"), "failed")).error?.message, "é".repeat(8_192));
});

test("an attempt that is awake for longer than the timeout is aborted and tried again", async (t) => {
  let reason: unknown;
  const w = defineWorkflow({
    timeout: "30s",
    retry: { attempts: 2 },
    run: ({ signal, attempt }) =>
      attempt === 2
        ? "second"
        : new Promise((_, reject) =>
            signal.addEventListener("abort", () => {
              reason = signal.reason;
              reject(signal.reason);
            }),
          ),
  });
  const { start, reaches, clock } = await open(t, { w });
  const id = await start("w");
  await reaches(id, "running");
  await clock.advance(30_000);
  await clock.advance(2_000);
  const run = await reaches(id, "succeeded");
  assert.equal(
    run.attempts.map((attempt) => attempt.status),
    ["timed_out", "succeeded"],
  );
  assert.match(String(reason), /30000 ms/);
});

test("an attempt that hangs after its timeout frees its slot and holds its run back until it settles", async (t) => {
  let settle = (): void => {};
  let attempts = 0;
  const w = defineWorkflow({
    timeout: "1s",
    retry: { attempts: 5 },
    run: () => (attempts++ === 0 ? new Promise<unknown>((resolve) => (settle = () => resolve(1))) : "done"),
  });
  const other = defineWorkflow({ run: () => "free" });
  const { start, run, reaches, clock, lines } = await open(t, { w, other }, { concurrency: 1 });
  const id = await start("w");
  await reaches(id, "running");
  const waiting = await start("other");
  await clock.advance(1_000);
  assert.is((await run(id)).status, "running");
  await clock.advance(5_000);
  assert.is((await reaches(id, "queued")).due_at, "2026-01-01T00:01:06.000Z");
  await reaches(waiting, "succeeded");
  assert.ok(lines.some((line) => line.message.includes("still runs")));
  await clock.advance(20_000);
  assert.is(attempts, 1);
  settle();
  await clock.advance(1);
  await reaches(id, "succeeded");
  assert.is(attempts, 2);
});

test("what hangs for good is tried again after a minute", async (t) => {
  let attempts = 0;
  const w = defineWorkflow({ timeout: "1s", run: () => (attempts++ === 0 ? never() : "done") });
  const { start, reaches, clock } = await open(t, { w });
  const id = await start("w");
  await clock.advance(6_000);
  await reaches(id, "queued");
  await clock.advance(59_000);
  assert.is(attempts, 1);
  await clock.advance(2_000);
  await reaches(id, "succeeded");
});

test("no more runs than the process's concurrency and the workflow's own are awake", async (t) => {
  const awake = new Set<string>();
  let most = { all: 0, narrow: 0 };
  const releases: (() => void)[] = [];
  const body =
    (kind: string) =>
    async ({ runId }: { runId: string }) => {
      awake.add(`${kind} ${runId}`);
      const narrow = [...awake].filter((name) => name.startsWith("narrow")).length;
      most = { all: Math.max(most.all, awake.size), narrow: Math.max(most.narrow, narrow) };
      await new Promise<void>((resolve) => releases.push(resolve));
      awake.delete(`${kind} ${runId}`);
    };
  const workflows = {
    narrow: defineWorkflow({ concurrency: 2, run: body("narrow") }),
    wide: defineWorkflow({ run: body("wide") }),
  };
  const { start, reaches, clock } = await open(t, workflows, { concurrency: 5 });
  const ids: string[] = [];
  for (let i = 0; i < 8; i++) ids.push(await start("narrow"), await start("wide"));
  for (let i = 0; i < 40; i++) {
    await clock.advance(1);
    releases.shift()?.();
  }
  for (const id of ids) await reaches(id, "succeeded");
  assert.equal(most, { all: 5, narrow: 2 });
});

test("a backlog of a missing or saturated workflow blocks nobody", async (t) => {
  const folder = await tempFolder();
  const storage = `file:${folder}/l.db`;
  const before = await openLatchhook({
    storage,
    role: "serve",
    workflows: { gone: defineWorkflow({ run: never }), w: defineWorkflow({ run: () => 1 }) },
  });
  const gone = await before.start("gone");
  for (let i = 0; i < 50; i++) await before.start("gone");
  await before.close();
  const { start, run, reaches } = await open(
    t,
    { w: defineWorkflow({ run: () => 1 }) },
    { storage, concurrency: 2 },
  );
  await reaches(await start("w"), "succeeded");
  assert.is((await run(gone)).waiting_for, "workflow");
});

test("a slot that becomes free while a claim is under way is taken, too", async (t) => {
  const gates = new Map<string, () => void>();
  const hold = defineWorkflow({
    run: ({ input }) => new Promise<void>((resolve) => gates.set((input as { name: string }).name, resolve)),
  });
  const { latchhook, storage, reaches } = await open(t, { hold }, { concurrency: 2 });
  const trigger = async (name: string): Promise<string> => (await latchhook.trigger("hold", { name })).runId;
  const first = await trigger("first");
  await until(() => gates.has("first"), "the first run to begin");
  const claim = storage.claim.bind(storage);
  let isClaimed = false;
  let answer = (): void => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  storage.claim = async (command) => {
    const outcome = await claim(command);
    isClaimed = true;
    await answered;
    return outcome;
  };
  // Both are ready when it is claimed, and there is a slot for one.
  const [second, third] = await Promise.all([trigger("second"), trigger("third")]);
  await until(() => isClaimed, "the claim");
  gates.get("first")?.();
  await reaches(first, "succeeded");
  answer();
  await reaches(second, "running");
  await reaches(third, "running");
  gates.get("second")?.();
  await until(() => gates.has("third"), "the third run to begin");
  gates.get("third")?.();
});

test("a run begins with its accept while a slot is free, and behind those that have waited longer where none is", async (t) => {
  const begun: unknown[] = [];
  const held = new Map<unknown, () => void>();
  const hold = defineWorkflow({
    run: ({ input }) => {
      const { n } = input as { n: number };
      begun.push(n);
      return new Promise<void>((resolve) => held.set(n, resolve));
    },
  });
  const opened = await open(t, { hold }, { concurrency: 2 });
  await firstClaim();
  const statuses: unknown[] = [];
  const ids: string[] = [];
  const accept = async (n: number): Promise<void> => {
    const body = JSON.stringify({ workflow_name: "hold", inputs: { n } });
    const headers = { "content-type": "application/json" };
    const request = new Request("http://localhost/webhooks/generic", { method: "POST", headers, body });
    const json = (await (await opened.latchhook.fetch(request)).json()) as Record<string, unknown>;
    statuses.push(json.run_status);
    ids.push(String(json.run_id));
    await opened.clock.advance(0);
  };
  for (const n of [1, 2, 3, 4]) await accept(n);
  assert.equal(statuses, ["running", "running", "queued", "queued"]);
  await until(() => begun.length === 2, "two runs to begin");
  held.get(1)?.();
  await opened.reaches(String(ids[0]), "succeeded");
  await accept(5); // while 3 or 4 wait, it waits too
  for (const [at, n] of [2, 3, 4, 5].entries()) {
    await until(() => held.has(n), `run ${n} to begin`);
    held.get(n)?.();
    await opened.reaches(String(ids[at + 1]), "succeeded");
  }
  assert.equal(begun, [1, 2, 3, 4, 5]);
  assert.is(statuses[4], "queued");
});

test("a run whose accept resolves while the process stops goes back to the queue, uncounted", async () => {
  const file = `file:${await tempFolder()}/a.db`;
  const inner = await createStorageBackend(file);
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const storage: Storage = Object.assign(Object.create(inner) as Storage, {
    about: inner.about,
    claim: inner.claim.bind(inner),
    accept: async (...args: Parameters<Storage["accept"]>) => {
      const outcome = await inner.accept(...args);
      await held;
      return outcome;
    },
  });
  for (const name of ["owners", "endAttempt", "leave", "ownedRuns", "hasChanged", "settleAttempt"] as const)
    Object.assign(storage, { [name]: inner[name].bind(inner) });
  let isBegun = false;
  const w = defineWorkflow({
    run: () => {
      isBegun = true;
    },
  });
  const latchhook = createInnerLatchhook({ storage, workflows: { w }, log: false });
  await latchhook.start();
  await firstClaim();
  const triggered = latchhook.trigger("w", {});
  await nextTurn();
  const stopped = latchhook.stop({ grace: "1s" });
  await nextTurn();
  release();
  const { runId } = await triggered;
  await stopped;
  const run = await inner.getRun(runId);
  await inner.close();
  assert.is(run?.status, "queued");
  assert.equal(
    run?.attempts.map(({ status }) => status),
    ["interrupted"],
  );
  assert.is(isBegun, false);
});

for (const isQuiet of [true, false])
  test(`a run that a failed accept left with this process is begun once two beats have shown that it is stored${isQuiet ? "" : ", also where another run ends before"}`, async (t) => {
    const opened = await open(t, { w: defineWorkflow({ run: () => "done" }) });
    const { storage, clock, latchhook } = opened;
    await firstClaim();
    const accept = storage.accept.bind(storage);
    let eventId = "";
    // The commit reaches the disk, and its answer says that it failed.
    storage.accept = async (event, ...rest) => {
      storage.accept = accept;
      eventId = event.id;
      assert.is((await accept(event, ...rest)).claimed.length, 1);
      throw new WebhookError("storage_unavailable", "Cannot write to the database: a test's fault");
    };
    await rejects(latchhook.trigger("w", {}), (error) => {
      assert.match(String(error), /test's fault/);
    });
    const { items } = await storage.listRuns({ ...firstPage, workflowName: null, status: null, eventId });
    const runId = String(items[0]?.runId);
    assert.is((await opened.run(runId)).status, "running");
    if (!isQuiet) await opened.reaches(await opened.start("w"), "succeeded");
    for (let beat = 0; beat < 3; beat++) await clock.advance(2_000);
    const run = await opened.reaches(runId, "succeeded");
    assert.equal(
      run.attempts.map(({ status }) => status),
      ["interrupted", "succeeded"],
    );
  });

test("a run whose end is refused for no fault of the disk is resumed by the same process", async (t) => {
  const opened = await open(t, { w: defineWorkflow({ run: () => "done" }) });
  const { storage, clock } = opened;
  const endAttempt = storage.endAttempt.bind(storage);
  storage.endAttempt = () => {
    storage.endAttempt = endAttempt;
    return Promise.reject(new Error("string or blob too big"));
  };
  const runId = await opened.start("w");
  assert.is((await opened.run(runId)).status, "running");
  for (let beat = 0; beat < 3; beat++) await clock.advance(2_000);
  const run = await opened.reaches(runId, "succeeded");
  assert.equal(
    run.attempts.map(({ status }) => status),
    ["interrupted", "succeeded"],
  );
});

for (const command of ["accept", "retry", "replay"] as const)
  test(`a run that ${command} queued in a commit that was reported as failed is begun`, async (t) => {
    let isBroken = command === "retry";
    const w = defineWorkflow({
      concurrency: 1, // so that an accept queues it
      run: () => {
        if (isBroken) throw new FatalError("it broke");
      },
    });
    const { storage, clock, latchhook, admin } = await open(t, { w });
    await firstClaim();
    const list = (status: "succeeded" | "failed") =>
      storage.listRuns({ ...firstPage, workflowName: "w", status, eventId: null }).then(({ items }) => items);
    const ended = isBroken ? "failed" : "succeeded";
    if (command !== "accept") await latchhook.trigger("w", {});
    if (command !== "accept")
      await until(async () => (await list(ended)).length === 1, "the first run to end");
    const [first] = await list(ended);
    isBroken = false;
    const own = storage[command].bind(storage) as (...given: unknown[]) => Promise<never>;
    Object.assign(storage, {
      [command]: async (...given: unknown[]) => {
        await own(...given);
        throw new WebhookError("storage_unavailable", "Cannot write to the database: a test's fault");
      },
    });
    const path = command === "retry" ? `/runs/${first?.runId}/retry` : `/events/${first?.eventId}/replay`;
    if (command === "accept") await latchhook.trigger("w", {}).catch(() => {});
    else assert.is((await admin("POST", path)).status, 503);
    await clock.advance(1_000);
    const count = command === "replay" ? 2 : 1;
    await until(async () => (await list("succeeded")).length === count, "the queued run to end");
  });

test("a run that was freed in a commit that was reported as failed is begun", async (t) => {
  const { storage, clock, reaches } = await open(t, { w: defineWorkflow({ run: () => "done" }) });
  await firstClaim();
  const run = runOf("w");
  await storage.accept(eventOf(null), [run], "conflict");
  await storage.claim(claimOf({ process: "dead", workflows: ["w"] }));
  await storage.leave("dead");
  const bury = storage.bury.bind(storage);
  storage.bury = async (command) => {
    await bury(command);
    throw new WebhookError("storage_unavailable", "Cannot write to the database: a test's fault");
  };
  await clock.advance(3_000);
  await reaches(run.id, "succeeded");
});

test("a run that was taken over between its accept and its first line runs none of its lines, and one beat tells", async (t) => {
  const calls: string[] = [];
  const w = defineWorkflow({ run: () => void calls.push("first line") });
  const opened = await open(t, { w });
  const { storage, clock, latchhook } = opened;
  await firstClaim();
  const accept = storage.accept.bind(storage);
  // The process freezes right after the commit; meanwhile another one buries it and ends the run.
  storage.accept = async (event, runs, otherBody) => {
    storage.accept = accept;
    const outcome = await accept(event, runs, otherBody);
    const [owner] = await storage.owners();
    const error = { code: "error", message: "ended by another process" };
    const freed = outcome.claimed.map(({ runId, fence }) => {
      return { runId, fence, next: { status: "failed" as const, error } };
    });
    const given = { processId: owner?.id ?? "", beats: owner?.beats ?? null, now: clock.now(), runs: freed };
    assert.is(await storage.bury(given), true);
    clock.block(20_000);
    return outcome;
  };
  let beats = 0;
  const beat = storage.beat.bind(storage);
  storage.beat = (processId) => {
    beats++;
    return beat(processId);
  };
  const { runId } = await latchhook.trigger("w", {});
  await clock.advance(1_000);
  assert.is((await opened.run(runId)).status, "failed");
  assert.equal(calls, []);
  assert.is(beats, 1);
});

test("a run that nobody took while its process was frozen begins once a beat has told, unless the process stops first", async (t) => {
  for (const isStopped of [false, true]) {
    let lines = 0;
    const opened = await open(t, { w: defineWorkflow({ run: () => void lines++ }) });
    const { storage, clock, latchhook } = opened;
    await firstClaim();
    const accept = storage.accept.bind(storage);
    storage.accept = async (...args) => {
      storage.accept = accept;
      const outcome = await accept(...args);
      clock.block(20_000);
      return outcome;
    };
    let answer = (): void => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    let beats = 0;
    const beat = storage.beat.bind(storage);
    storage.beat = async (processId) => {
      beats++;
      await answered;
      return beat(processId);
    };
    const { runId } = await latchhook.trigger("w", {});
    await until(() => beats === 1, "the beat");
    assert.is(lines, 0);
    if (isStopped) {
      const stopped = latchhook.stop({ grace: "10s" });
      await clock.advance(9_000); // two seconds before the end of its grace runs go back
      answer();
      await clock.advance(1_000);
      await stopped;
      assert.is((await storage.getRun(runId))?.status, "queued");
    } else {
      answer();
      await opened.reaches(runId, "succeeded");
    }
    assert.equal([lines, beats], isStopped ? [0, 1] : [1, 1]);
  }
});

test("a run that a beat told to be lost between its accept and its first line does not begin, also where the next accept was seen before", async (t) => {
  const begun: unknown[] = [];
  const w = defineWorkflow({ run: ({ input }) => void begun.push((input as { n: number }).n) });
  const opened = await open(t, { w });
  const { storage, clock, latchhook } = opened;
  await firstClaim();
  let thaw = (): void => {};
  const thawed = new Promise<void>((resolve) => {
    thaw = resolve;
  });
  const beat = storage.beat.bind(storage);
  let beats = 0;
  storage.beat = async (processId) => {
    const owned = await beat(processId);
    beats++;
    await thawed;
    return owned;
  };
  const accept = storage.accept.bind(storage);
  storage.accept = async (...args) => {
    storage.accept = accept;
    const outcome = await accept(...args);
    const [owner] = await storage.owners();
    const processId = owner?.id ?? "";
    const next = { status: "failed" as const, error: { code: "error", message: "ended by another process" } };
    const runs = outcome.claimed.map(({ runId, fence }) => ({ runId, fence, next }));
    assert.is(await storage.bury({ processId, beats: owner?.beats ?? null, now: clock.now(), runs }), true);
    clock.block(20_000);
    // The next delivery registers the process anew, and the beat behind it finds that one's run alone.
    await latchhook.trigger("w", { n: 2 });
    await clock.advance(2_000);
    assert.is(beats, 1);
    setImmediate(thaw); // after the accept's answer, before what comes with it begins
    return outcome;
  };
  const { runId } = await latchhook.trigger("w", { n: 1 });
  await clock.advance(1_000);
  assert.equal([(await opened.run(runId)).status, begun], ["failed", [2]]);
});

test("a run that is cancelled between its accept and its first line does not begin", async (t) => {
  let lines = 0;
  const opened = await open(t, { w: defineWorkflow({ run: () => void lines++ }) });
  await firstClaim();
  const { runId } = await opened.latchhook.trigger("w", {});
  assert.is((await opened.admin("POST", `/runs/${runId}/cancel`)).status, 202);
  await opened.clock.advance(1_000);
  assert.equal([(await opened.run(runId)).status, lines], ["cancelled", 0]);
});

test("a step that is reached after a freeze does not begin where the run was taken over meanwhile", async (t) => {
  const calls: string[] = [];
  let thaw = (): void => {};
  const w = defineWorkflow({
    async run({ step }) {
      await new Promise<void>((resolve) => {
        thaw = resolve;
      });
      return step("once", () => void calls.push("once"));
    },
  });
  const opened = await open(t, { w });
  const { storage, clock } = opened;
  const runId = await opened.start("w");
  await opened.reaches(runId, "running");
  const [owner] = await storage.owners();
  const processId = owner?.id ?? "";
  const next = { status: "failed" as const, error: { code: "error", message: "ended by another process" } };
  const runs = (await storage.ownedRuns(processId)).map((key) => ({ ...key, next }));
  assert.is(await storage.bury({ processId, beats: owner?.beats ?? null, now: clock.now(), runs }), true);
  clock.block(20_000);
  thaw();
  await clock.advance(1_000);
  assert.is((await opened.run(runId)).status, "failed");
  assert.equal(calls, []);
});

test("the turns go round the workflows: one late run waits for no other's backlog", async (t) => {
  const order: string[] = [];
  const workflows = {
    a: defineWorkflow({ run: () => void order.push("a") }),
    b: defineWorkflow({ run: () => void order.push("b") }),
    gate: defineWorkflow({
      run: () =>
        new Promise<void>((resolve) => {
          release = resolve;
        }),
    }),
  };
  let release = (): void => {};
  const { start, reaches, clock } = await open(t, workflows, { concurrency: 1 });
  await reaches(await start("gate"), "running");
  for (let i = 0; i < 10; i++) await start("a");
  const late = await start("b");
  release();
  await clock.advance(1);
  await reaches(late, "succeeded");
  assert.ok(order.indexOf("b") <= 1, order.join(""));
});

test("cancel is final at once, aborts the signal, and what comes later is dropped", async (t) => {
  let signal: AbortSignal | undefined;
  let finish = (_: string): void => {};
  const calls: string[] = [];
  const w = defineWorkflow({
    async run(context) {
      signal = context.signal;
      await context.step("first", () => 1);
      await new Promise<string>((resolve) => {
        finish = resolve;
      });
      await context.step("second", () => calls.push("second"));
      return "late";
    },
  });
  const { start, run, reaches, admin, clock } = await open(t, { w });
  const id = await start("w");
  await reaches(id, "running");
  await clock.advance(1);
  assert.is((await admin("POST", `/runs/${id}/cancel`)).status, 202);
  assert.is((await run(id)).status, "cancelled");
  assert.ok(signal?.aborted);
  assert.is((await admin("POST", `/runs/${id}/cancel`)).status, 200);
  finish("late");
  await clock.advance(1);
  const after = await run(id);
  assert.is(after.status, "cancelled");
  assert.is(after.result, null);
  assert.equal(calls, []);
});

test("a person's retry keeps the steps, clears the counts, and waits for an attempt that has not ended", async (t) => {
  const calls: string[] = [];
  let settle = (): void => {};
  const w = defineWorkflow({
    retry: { attempts: 1 },
    async run({ step, attempt }) {
      await step("once", () => calls.push("once"));
      calls.push(`attempt ${attempt}`);
      if (calls.length === 2)
        await new Promise<void>((resolve) => {
          settle = resolve;
        });
      return "ok";
    },
  });
  const { start, run, reaches, admin, clock } = await open(t, { w });
  const id = await start("w");
  await reaches(id, "running");
  await clock.advance(1);
  await admin("POST", `/runs/${id}/cancel`);
  await clock.advance(6_000);
  assert.is((await admin("POST", `/runs/${id}/retry`)).status, 202);
  await clock.advance(1_000);
  assert.is((await run(id)).status, "queued");
  assert.equal(calls, ["once", "attempt 1"]);
  settle();
  await clock.advance(1);
  await reaches(id, "succeeded");
  assert.equal(calls, ["once", "attempt 1", "attempt 1"]);
  const again = await admin("POST", `/runs/${id}/retry`);
  assert.is(again.status, 409);
  assert.is(again.json.run_status, "succeeded");
});

test("replay makes a new run without the old one's steps, once for each key", async (t) => {
  let count = 0;
  const w = defineWorkflow({ run: ({ step }) => step("count", () => ++count) });
  const { start, reaches, admin, latchhook } = await open(t, { w });
  const id = await start("w");
  await reaches(id, "succeeded");
  const { event_id: eventId } = (await admin("GET", `/runs/${id}`)).json;
  const replay = async (key: string): Promise<{ status: number; run_id: string }> => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "idempotency-key": key };
    const response = await latchhook.fetch(
      new Request(`http://localhost/events/${eventId}/replay`, { method: "POST", headers }),
    );
    return { status: response.status, run_id: ((await response.json()) as { run_id: string }).run_id };
  };
  const [first, second, third] = [await replay("k"), await replay("k"), await replay("other")];
  assert.equal([first.status, second.status, third.status], [202, 200, 202]);
  assert.is(first.run_id, second.run_id);
  assert.is.not(first.run_id, third.run_id);
  await reaches(first.run_id, "succeeded");
  await reaches(third.run_id, "succeeded");
  assert.is(count, 3);
});

test("a second process takes over the runs of one that froze, and refuses its late result", async (t) => {
  const folder = await tempFolder();
  const storage = `file:${folder}/l.db`;
  let finish = (_: string): void => {};
  const begun: string[] = [];
  const slow = (name: string) =>
    defineWorkflow({
      async run({ step }) {
        begun.push(name);
        if (name === "frozen")
          await new Promise<string>((resolve) => {
            finish = resolve;
          });
        return step("write", () => name);
      },
    });
  const frozen = await open(t, { w: slow("frozen") }, { storage });
  const id = await frozen.start("w");
  await frozen.reaches(id, "running");
  await frozen.clock.advance(2_000);
  const other = await open(t, { w: slow("other") }, { storage });
  for (let look = 0; look < 4; look++) await other.clock.advance(2_000);
  assert.equal(begun, ["frozen"]);
  await other.clock.advance(2_000);
  await other.clock.advance(1);
  const run = await other.reaches(id, "succeeded");
  assert.is(run.result, "other");
  finish("late");
  await frozen.clock.advance(10_000);
  const after = await other.run(id);
  assert.is(after.result, "other");
  assert.equal(
    after.attempts.map((attempt) => attempt.status),
    ["interrupted", "succeeded"],
  );
});

test("a result that a frozen process returns without another step is dropped and logged", async (t) => {
  const folder = await tempFolder();
  const storage = `file:${folder}/l.db`;
  let finish = (_: string): void => {};
  const late = defineWorkflow({
    run: () =>
      new Promise<string>((resolve) => {
        finish = resolve;
      }),
  });
  const frozen = await open(t, { w: late }, { storage });
  const id = await frozen.start("w");
  await frozen.reaches(id, "running");
  const other = await open(t, { w: defineWorkflow({ run: never }) }, { storage });
  await other.clock.advance(12_000);
  await other.reaches(id, "running");
  finish("late");
  await until(
    () => frozen.lines.some((line) => line.message.startsWith("late result dropped")),
    "the late result to be dropped",
  );
  const run = await other.run(id);
  assert.equal([run.status, run.result], ["running", null]);
  assert.equal(
    run.attempts.map((attempt) => attempt.status),
    ["interrupted", "running"],
  );
});

for (const way of ["claimed", "begun with its accept", "stored while the last other one ended"])
  test(`a process that beats keeps a run that was ${way}, however long it takes`, async (t) => {
    const storage = `file:${await tempFolder()}/l.db`;
    const waiting: (() => void)[] = [];
    const short = defineWorkflow({ run: () => new Promise<void>((resolve) => void waiting.push(resolve)) });
    const long = () => defineWorkflow({ timeout: "1h", run: never });
    const owner = await open(t, { short, long: long() }, { storage });
    if (way !== "claimed") await firstClaim();
    if (way.endsWith("ended")) {
      await owner.reaches(await owner.start("short"), "running");
      await until(() => waiting.length === 1, "the short run to begin");
      const accept = owner.storage.accept.bind(owner.storage);
      // Its end is written after the accept, in the same transaction.
      owner.storage.accept = (...args) => {
        const accepted = accept(...args);
        waiting[0]?.();
        return accepted;
      };
    }
    const id = await owner.start("long");
    await owner.reaches(id, "running");
    const other = await open(t, { long: long() }, { storage });
    for (let second = 0; second < 60; second += 2) {
      await owner.clock.advance(2_000);
      await other.clock.advance(2_000);
    }
    assert.equal(
      (await owner.run(id)).attempts.map((attempt) => attempt.status),
      ["running"],
    );
  });

test("a stop lets attempts finish, aborts the rest, and gives their runs back uncounted", async (t) => {
  const folder = await tempFolder();
  const storage = `file:${folder}/l.db`;
  let finish = (): void => {};
  const workflows = () => ({
    quick: defineWorkflow({
      run: () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    }),
    stuck: defineWorkflow({
      run: ({ signal, step }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
          void step("kept", () => 1);
        }),
    }),
  });
  const first = await open(t, workflows(), { storage });
  const [quick, stuck] = [await first.start("quick"), await first.start("stuck")];
  await first.reaches(quick, "running");
  await first.reaches(stuck, "running");
  const stopped = first.latchhook.stop();
  await first.clock.advance(1_000);
  finish();
  await first.clock.advance(7_000);
  await stopped;
  const second = await open(t, {}, { storage });
  assert.is((await second.run(quick)).status, "succeeded");
  const given = await second.run(stuck);
  assert.is(given.status, "queued");
  assert.equal(
    given.attempts.map((attempt) => attempt.status),
    ["interrupted"],
  );
  assert.equal(
    given.steps.map((step) => step.name),
    ["kept"],
  );
});

test("inputs that no longer fit after a deploy end the run as failed, to be retried by hand", async (t) => {
  const folder = await tempFolder();
  const storage = `file:${folder}/l.db`;
  const picky = (accepts: boolean) =>
    defineWorkflow({
      input: {
        "~standard": {
          version: 1 as const,
          vendor: "test",
          validate: (value: unknown) =>
            accepts ? { value } : { issues: [{ message: "must have a topic", path: ["topic"] }] },
        },
      },
      run: () => "fine",
    });
  const serve = await openLatchhook({ storage, role: "serve", workflows: { w: picky(true) } });
  const id = await serve.start("w");
  await serve.close();
  const strict = await openLatchhook({ storage, workflows: { w: picky(false) } });
  const failed = await strict.reaches(id, "failed");
  assert.is(failed.error?.code, "input_invalid");
  assert.match(failed.error?.message ?? "", /\/topic: must have a topic/);
  assert.is(failed.attempts.length, 1);
  await strict.close();
  const fixed = await open(t, { w: picky(true) }, { storage });
  assert.is((await fixed.admin("POST", `/runs/${id}/retry`)).status, 202);
  await fixed.clock.advance(1);
  await fixed.reaches(id, "succeeded");
});

test("a workflow sees the event as it was stored", async (t) => {
  let seen: unknown;
  const w = defineWorkflow({
    run: ({ event, input }) => {
      seen = {
        provider: event.provider,
        webhookId: event.webhookId,
        body: event.body,
        type: event.headers.get("content-type"),
        input,
      };
    },
  });
  const { start, reaches } = await open(t, { w });
  await reaches(await start("w", { topic: "AI" }), "succeeded");
  assert.equal(seen, {
    provider: "generic",
    webhookId: null,
    body: { workflow_name: "w", inputs: { topic: "AI" } },
    type: "application/json",
    input: { topic: "AI" },
  });
});

test("retention erases what has been at rest for its days and keeps the id", async (t) => {
  const { start, run, reaches, admin, clock } = await open(
    t,
    { w: defineWorkflow({ run: () => "r" }) },
    { retentionDays: 1, idRetentionDays: 2 },
  );
  const id = await start("w", { topic: "private" });
  await reaches(id, "succeeded");
  await clock.advance(25 * 3_600_000);
  const erased = await run(id);
  assert.equal(
    [erased.status, erased.inputs, erased.result, erased.steps, erased.attempts],
    ["succeeded", null, null, [], []],
  );
  await clock.advance(25 * 3_600_000);
  assert.is((await admin("GET", `/runs/${id}`)).status, 404);
});

test("retention skips a pass when the wall clock jumped", async (t) => {
  const { start, run, reaches, clock, lines } = await open(
    t,
    { w: defineWorkflow({ run: () => "r" }) },
    { retentionDays: 1 },
  );
  const id = await start("w");
  await reaches(id, "succeeded");
  clock.jumpWall(40 * 86_400_000);
  await clock.advance(10 * 60_000);
  assert.is((await run(id)).result, "r");
  assert.ok(lines.some((line) => line.message.startsWith("retention skipped")));
});

test("a blocked event loop is reported with the runs awake, also when they ended in the same breath", async (t) => {
  const w = defineWorkflow({ run: () => opened.clock.block(1_500) });
  const opened = await open(t, { w });
  const id = await opened.start("w");
  await opened.reaches(id, "succeeded");
  await opened.clock.advance(300);
  const line = opened.lines.find(({ message }) => message === "the event loop was blocked");
  assert.equal(line?.fields.runs_awake, [`${id} w`]);
  assert.equal(opened.latchhook.runsAwake(), []);
});

test.run();
