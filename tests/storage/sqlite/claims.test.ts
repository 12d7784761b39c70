import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { AttemptKey, ClaimedRun, Storage } from "../../../lib/repositories.ts";
import {
  acceptMany,
  acceptRuns,
  claimOf,
  endOf,
  eventOf,
  processOf,
  requeueOf,
  runOf,
  StoredFile,
  stepOf,
} from "../../support/stored.ts";

const test = suite<{ file: StoredFile; storage: Storage }>("storage/sqlite/claims");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  t.storage = await t.file.open();
});
test.after.each((t) => t.file.close());

test("a claimed run carries its event, its steps and its counts", async ({ storage }) => {
  const body = new Uint8Array([0, 1, 255]);
  const event = eventOf("w", {
    provider: "slack",
    idSource: "scheme",
    type: "t",
    headers: { "x-a": "1" },
    body,
  });
  await storage.accept(event, [runOf("a", { id: "run_a" })], "conflict");
  const { runs } = await storage.claim(claimOf());
  assert.is(runs.length, 1);
  const { event: stored, ...run } = runs[0] as ClaimedRun;
  assert.equal(run, { runId: "run_a", fence: 1, workflowName: "a", failures: 0, steps: [] });
  assert.equal(
    { ...stored, body: Array.from(stored.body) },
    {
      id: event.id,
      provider: "slack",
      webhookId: "w",
      type: "t",
      headers: { "x-a": "1" },
      contentType: "application/json",
      body: [0, 1, 255],
      acceptedAt: 1_000,
    },
  );
});

test("a claim begins an attempt and names the owner", async ({ file, storage }) => {
  const [runId] = await acceptRuns(storage, "a");
  const workflow = { name: "a", concurrency: null, fileHash: "abc" };
  await storage.claim(claimOf({ process: "p7", workflows: [workflow], now: 2_345 }));
  assert.equal((await storage.getRun(String(runId)))?.attempts, [
    { fence: 1, status: "running", startedAt: 2_345, endedAt: null, error: null },
  ]);
  assert.equal(file.rows("SELECT owner, status FROM runs"), [{ owner: "p7", status: "running" }]);
  assert.equal(file.rows("SELECT attempt_file_hash AS hash FROM runs"), [{ hash: "abc" }]);
});

test("a run is claimed once, however many ask at once over two connections", async ({ file, storage }) => {
  await acceptMany(storage, "a", 10);
  const storages = [storage, await file.open()];
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      (storages[at % 2] as Storage).claim(claimOf({ process: `p${at % 2}`, limit: 3 })),
    ),
  );
  const ids = outcomes.flatMap(({ runs }) => runs.map(({ runId }) => runId));
  assert.is(ids.length, 10);
  assert.is(new Set(ids).size, 10);
});

test("the fence only rises: over ends, lost leases, cancels and retries", async ({ storage }) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  const fences: number[] = [];
  const claim = async () => {
    const [run] = (await storage.claim(claimOf({ now: 1_000_000 }))).runs;
    fences.push(run?.fence ?? 0);
    return { runId, fence: run?.fence ?? 0 };
  };
  await storage.endAttempt(await claim(), endOf("failed"));
  await storage.endAttempt(await claim(), endOf("interrupted"));
  const lost = await claim();
  await bury(storage, "p1", [{ ...lost, next: { status: "queued", dueAt: null } }]);
  const cancelled = await claim();
  await storage.cancel(runId, 5_000);
  await storage.settleAttempt(cancelled, 5_000);
  await storage.retry(runId, 6_000, 60_000);
  await storage.endAttempt(await claim(), endOf("failed", { next: { status: "failed" } }));
  await storage.retry(runId, 7_000, 60_000);
  await claim();
  assert.equal(fences, [1, 2, 3, 4, 5, 6]);
});

/** Ways in which an attempt loses its run. */
const losses: Record<string, (storage: Storage, key: AttemptKey) => Promise<unknown>> = {
  "a newer attempt has the run": async (storage, key) => {
    await bury(storage, "p1", [{ ...key, next: { status: "queued", dueAt: null } }]);
    await storage.claim(claimOf({ process: "p2" }));
  },
  "the run was freed and nobody has it yet": (storage, key) =>
    bury(storage, "p1", [{ ...key, next: { status: "queued", dueAt: null } }]),
  "the run has ended": (storage, key) =>
    storage.endAttempt(key, endOf("failed", { endedAt: 3_333, next: { status: "failed" } })),
  "the run was cancelled": (storage, key) => storage.cancel(key.runId, 5_000),
  "the run was cancelled and retried": async (storage, key) => {
    await storage.cancel(key.runId, 5_000);
    await storage.retry(key.runId, 5_000, 60_000);
  },
  "the run was buried as failed": (storage, key) =>
    bury(storage, "p1", [
      { ...key, next: { status: "failed", error: { code: "interrupted_too_often", message: "m" } } },
    ]),
};

for (const [name, lose] of Object.entries(losses)) {
  test(`every write of an attempt is refused and changes nothing when ${name}`, async ({ file, storage }) => {
    const [runId = ""] = await acceptRuns(storage, "a");
    await storage.claim(claimOf());
    const key = { runId, fence: 1 };
    await lose(storage, key);
    const before = dump(file);
    assert.is(await storage.finishStep(key, stepOf("late")), false);
    assert.is(
      await storage.finishStep(key, stepOf("nap", { kind: "sleep", result: null, dueAt: 9_000 })),
      false,
    );
    for (const status of ["succeeded", "failed", "timed_out", "slept", "interrupted"] as const) {
      assert.is(await storage.endAttempt(key, endOf(status, { endedAt: 123 })), false, status);
    }
    assert.equal(dump(file), before);
  });
}

test("a fence that is yet to come, and a run that is unknown, are refused too", async ({ file, storage }) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  const before = dump(file);
  for (const key of [
    { runId, fence: 2 },
    { runId, fence: 0 },
    { runId: "run_none", fence: 1 },
  ]) {
    assert.is(await storage.finishStep(key, stepOf("one")), false);
    assert.is(await storage.endAttempt(key, endOf()), false);
    await storage.settleAttempt(key, 1);
  }
  assert.equal(dump(file), before);
});

test("timed runs that are due come first, by due time, then ready ones in order of arrival", async ({
  storage,
}) => {
  const [late = "", early = "", future = ""] = await acceptMany(storage, "a", 3);
  for (const [runId, dueAt] of [
    [late, 1_500],
    [early, 1_400],
    [future, 9_999],
  ] as const) {
    const [run] = (await storage.claim(claimOf({ now: 0, limit: 1 }))).runs;
    assert.is(run?.runId, runId);
    await storage.endAttempt(
      { runId, fence: 1 },
      endOf("failed", { next: requeueOf({ waitingFor: "retry", dueAt }) }),
    );
  }
  const ready = await acceptMany(storage, "a", 2);
  assert.equal(await claimed(storage, { now: 2_000 }), [early, late, ...ready]);
  assert.equal(await claimed(storage, { now: 9_998 }), []);
  assert.equal(await claimed(storage, { now: 9_999 }), [future]);
});

test("runs that wait for nothing but a slot are counted, of the workflows that are named, up to the limit", async ({
  storage,
}) => {
  await acceptMany(storage, "a", 5);
  await acceptMany(storage, "b", 3);
  const { runs } = await storage.claim(claimOf({ limit: 2 })); // two of a run now
  const [sleeps, ends] = runs as [ClaimedRun, ClaimedRun];
  await storage.endAttempt(sleeps, endOf("slept", { next: requeueOf({ waitingFor: "sleep", dueAt: 1 }) }));
  await storage.endAttempt(ends, endOf());
  const count = (names: string[], limit: number): Promise<number> => storage.countReady(names, limit);
  assert.equal(
    [await count(["a"], 9), await count(["b"], 9), await count(["a", "b", "c"], 9), await count([], 9)],
    [3, 3, 6, 0],
  );
  assert.equal([await count(["a", "b"], 4), await count(["a", "b"], 3)], [4, 3]);
});

test("workflows take turns, in the order they are named, and a long queue does not starve a short one", async ({
  storage,
}) => {
  const a = await acceptMany(storage, "a", 5);
  const b = await acceptMany(storage, "b", 2);
  const c = await acceptMany(storage, "c", 1);
  const order = [a[0], b[0], c[0], a[1], b[1], a[2], a[3]];
  assert.equal(await claimed(storage, { workflows: ["a", "b", "c"], limit: 7 }), order);
  const rest = await acceptMany(storage, "b", 1);
  assert.equal(await claimed(storage, { workflows: ["b", "a"] }), [rest[0], a[4]]);
});

test("timed runs take turns too", async ({ storage }) => {
  await acceptMany(storage, "a", 3);
  await acceptMany(storage, "b", 1);
  for (const { runId, fence } of (await storage.claim(claimOf({ workflows: ["a", "b"] }))).runs) {
    await storage.endAttempt(
      { runId, fence },
      endOf("failed", { next: requeueOf({ waitingFor: "retry", dueAt: 1_500 }) }),
    );
  }
  const { runs } = await storage.claim(claimOf({ workflows: ["a", "b"], limit: 2 }));
  assert.equal(
    runs.map(({ workflowName }) => workflowName),
    ["a", "b"],
  );
});

test("no more than the limit is claimed, over both timed and ready runs", async ({ storage }) => {
  const [timed = ""] = await acceptMany(storage, "a", 1);
  await storage.claim(claimOf());
  await storage.endAttempt(
    { runId: timed, fence: 1 },
    endOf("failed", { next: requeueOf({ dueAt: 1_500 }) }),
  );
  const ready = await acceptMany(storage, "a", 4);
  assert.equal(await claimed(storage, { limit: 3 }), [timed, ...ready.slice(0, 2)]);
});

test("a turn that is cut off by the limit is no reason to go above it", async ({ storage }) => {
  for (const name of ["a", "b", "c"]) await acceptMany(storage, name, 2);
  const { runs } = await storage.claim(claimOf({ workflows: ["a", "b", "c"], limit: 4 }));
  assert.equal(
    runs.map(({ workflowName }) => workflowName),
    ["a", "b", "c", "a"],
  );
});

test("a workflow's concurrency holds over two storages on one file", async ({ file, storage }) => {
  const other = await file.open();
  await acceptMany(storage, "a", 6);
  const workflows = [{ name: "a", concurrency: 2, fileHash: null }];
  const outcomes = await Promise.all(
    [storage, other, storage, other].map((each, at) => each.claim(claimOf({ process: `p${at}`, workflows }))),
  );
  assert.is(outcomes.flatMap(({ runs }) => runs).length, 2);
  assert.is(file.count("runs WHERE status = 'running'"), 2);
  const [run] = outcomes.flatMap(({ runs }) => runs);
  await other.endAttempt(run as ClaimedRun, endOf());
  assert.is((await other.claim(claimOf({ workflows }))).runs.length, 1);
});

test("a workflow's limit counts its timed runs and no other workflow's", async ({ storage }) => {
  await acceptMany(storage, "a", 3);
  await acceptMany(storage, "b", 3);
  const [first] = (await storage.claim(claimOf({ limit: 1 }))).runs;
  await storage.endAttempt(first as ClaimedRun, endOf("failed", { next: requeueOf({ dueAt: 1_500 }) }));
  const limited = ["a", "b"].map((name) => ({ name, concurrency: 1, fileHash: null }));
  const { runs } = await storage.claim(claimOf({ workflows: limited }));
  assert.equal(
    runs.map(({ workflowName }) => workflowName),
    ["a", "b"],
  );
});

test("a backlog of a missing or a saturated workflow blocks nobody", async ({ storage }) => {
  await acceptMany(storage, "missing", 30);
  await acceptMany(storage, "full", 30);
  const [mine = ""] = await acceptMany(storage, "a", 1);
  const full = { name: "full", concurrency: 1, fileHash: null };
  await storage.claim(claimOf({ workflows: [full] }));
  assert.equal(await claimed(storage, { workflows: [full, "a"], limit: 2 }), [mine]);
});

test("a claim that names no workflow, or finds nothing, gives nothing", async ({ storage }) => {
  await acceptMany(storage, "missing", 1);
  assert.equal(await storage.claim(claimOf({ workflows: [] })), { runs: [], nextDueAt: null });
  assert.equal(await storage.claim(claimOf()), { runs: [], nextDueAt: null });
});

test("a claim tells when the next timed run of its workflows comes due", async ({ storage }) => {
  for (const [workflow, dueAt] of [
    ["a", 9_000],
    ["a", 8_000],
    ["b", 7_000],
    ["missing", 3_000],
  ] as const) {
    await acceptMany(storage, workflow, 1);
    const [run] = (await storage.claim(claimOf({ workflows: [workflow] }))).runs;
    await storage.endAttempt(
      run as ClaimedRun,
      endOf("slept", { next: requeueOf({ waitingFor: "sleep", dueAt }) }),
    );
  }
  assert.is((await storage.claim(claimOf({ workflows: ["a", "b"] }))).nextDueAt, 7_000);
  assert.is((await storage.claim(claimOf({ workflows: ["a"] }))).nextDueAt, 8_000);
});

test("a run that is due and finds no slot is not what the next claim waits for", async ({ storage }) => {
  const full = { name: "a", concurrency: 1, fileHash: null };
  await acceptMany(storage, "a", 2);
  const next = requeueOf({ waitingFor: "retry", dueAt: 2_000 });
  for (const run of (await storage.claim(claimOf())).runs)
    await storage.endAttempt(run, endOf("failed", { next }));
  const { runs, nextDueAt } = await storage.claim(claimOf({ workflows: [full], now: 2_000 }));
  assert.equal([runs.length, nextDueAt], [1, null]);
});

test("a claim that takes runs adds a beat, and inserts a process that is gone", async ({ file, storage }) => {
  await acceptMany(storage, "a", 4);
  const beats = () => file.rows("SELECT * FROM processes");
  await storage.claim(claimOf({ limit: 1 }));
  const row = { id: "p1", host: "host", boot_id: "boot", pid_namespace: "pid:[1]", pid: 1, beats: 1 };
  assert.equal(beats(), [row]);
  await storage.claim(claimOf({ limit: 1 }));
  assert.equal(beats(), [{ ...row, beats: 2 }]);
  await storage.leave("p1");
  assert.equal(beats(), []);
  await storage.claim(claimOf({ limit: 1 }));
  assert.equal(beats(), [{ ...row, beats: 3 }], "it counts on");
});

test("a beat tells which runs the process has; one that was declared dead is told so", async ({
  file,
  storage,
}) => {
  await acceptMany(storage, "a", 2);
  const { runs } = await storage.claim(claimOf());
  const owned = await storage.beat("p1");
  assert.equal(
    owned?.map(({ runId, fence }) => ({ runId, fence })),
    runs.map(({ runId, fence }) => ({ runId, fence })),
  );
  assert.equal(file.rows("SELECT beats FROM processes"), [{ beats: 2 }]);
  await storage.endAttempt(runs[0] as ClaimedRun, endOf());
  assert.is((await storage.beat("p1"))?.length, 1);
  await storage.leave("p1");
  assert.is(await storage.beat("p1"), null);
  assert.is(file.count("processes"), 0);
});

test("owners are the processes of running runs, also those whose row is gone", async ({ storage }) => {
  await acceptMany(storage, "a", 2);
  await storage.claim(claimOf({ process: "p1", limit: 1 }));
  await storage.claim(claimOf({ process: "p2", limit: 1 }));
  await storage.leave("p2");
  const owners = (await storage.owners()).toSorted((a, b) => a.id.localeCompare(b.id));
  assert.equal(owners[0], { ...processOf("p1"), beats: 1 });
  assert.equal([owners[1]?.id, owners[1]?.beats, owners.length], ["p2", null, 2]);
  for (const { runId, fence } of await storage.ownedRuns("p1"))
    await storage.endAttempt({ runId, fence }, endOf());
  assert.equal(
    (await storage.owners()).map(({ id }) => id),
    ["p2"],
  );
});

test("a burial frees the runs of the dead in one go, and ends their attempts as interrupted", async ({
  file,
  storage,
}) => {
  const [one = "", two = "", three = ""] = await acceptMany(storage, "a", 3);
  await storage.claim(claimOf());
  const error = { code: "interrupted_too_often", message: "m" };
  const isBuried = await bury(storage, "p1", [
    { runId: one, fence: 1, next: { status: "queued", dueAt: null } },
    { runId: two, fence: 1, next: { status: "queued", dueAt: 7_000 } },
    { runId: three, fence: 1, next: { status: "failed", error } },
  ]);
  assert.is(isBuried, true);
  assert.is(file.count("processes"), 0);
  const runs = await Promise.all([one, two, three].map((id) => storage.getRun(id)));
  assert.equal(
    runs.map((run) => [run?.status, run?.waitingFor, run?.dueAt, run?.error, run?.endedAt]),
    [
      ["queued", null, null, null, null],
      ["queued", "retry", 7_000, null, null],
      ["failed", null, null, error, 6_000],
    ],
  );
  for (const run of runs) {
    assert.equal([run?.attempts[0]?.status, run?.attempts[0]?.endedAt], ["interrupted", 6_000]);
  }
  assert.equal(await storage.owners(), []);
});

/** What may happen between the look that declared a process dead and its burial. */
const signsOfLife: Record<string, (storage: Storage) => Promise<unknown>> = {
  "a beat": (storage) => storage.beat("p1"),
  "a claim": (storage) => storage.claim(claimOf()),
  "another's burial": (storage) => bury(storage, "p1", []),
  "another's burial and the return of the process": async (storage) => {
    await bury(storage, "p1", []);
    await storage.claim(claimOf({ limit: 1 }));
  },
};

for (const [name, happen] of Object.entries(signsOfLife)) {
  test(`${name} since the look stops a burial, and nothing is freed`, async ({ file, storage }) => {
    const [runId = ""] = await acceptMany(storage, "a", 2);
    await storage.claim(claimOf({ limit: 1 }));
    const [owner] = await storage.owners();
    await happen(storage);
    const before = dump(file);
    const runs = [{ runId, fence: 1, next: { status: "queued", dueAt: null } }] as const;
    assert.is(await storage.bury({ processId: "p1", beats: owner?.beats ?? 0, now: 6_000, runs }), false);
    assert.equal(dump(file), before);
  });
}

test("a process whose row is gone is buried, unless it came back", async ({ storage }) => {
  const [runId = "", second = ""] = await acceptMany(storage, "a", 2);
  await storage.claim(claimOf({ limit: 1 }));
  await storage.leave("p1");
  const runs = [{ runId, fence: 1, next: { status: "queued", dueAt: null } }] as const;
  await storage.claim(claimOf({ limit: 1 }));
  assert.is(await storage.bury({ processId: "p1", beats: null, now: 6_000, runs }), false);
  assert.is((await storage.getRun(runId))?.status, "running");
  await storage.leave("p1");
  assert.is(await storage.bury({ processId: "p1", beats: null, now: 6_000, runs }), true);
  assert.is((await storage.getRun(runId))?.status, "queued");
  assert.is((await storage.getRun(second))?.status, "running");
});

test("a burial frees no run that ended, or went to another, since it was seen", async ({ storage }) => {
  const [ended = "", moved = ""] = await acceptMany(storage, "a", 2);
  await storage.claim(claimOf());
  await storage.endAttempt({ runId: ended, fence: 1 }, endOf());
  await storage.endAttempt({ runId: moved, fence: 1 }, endOf("interrupted"));
  await storage.claim(claimOf({ process: "p2" }));
  const next = { status: "queued", dueAt: null } as const;
  const runs = [ended, moved].flatMap((runId) => [1, 2].map((fence) => ({ runId, fence, next })));
  await bury(storage, "p1", runs);
  assert.is((await storage.getRun(ended))?.status, "succeeded");
  const run = await storage.getRun(moved);
  assert.is(run?.status, "running");
  assert.equal(
    run?.attempts.map(({ status }) => status),
    ["interrupted", "running"],
  );
});

test("lost leases are counted in a row, and only a newly stored step begins again", async ({ storage }) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  const lose = async (during: (key: AttemptKey) => Promise<unknown> = async () => {}) => {
    const [run] = (await storage.claim(claimOf())).runs;
    const key = { runId, fence: run?.fence ?? 0 };
    await during(key);
    const [owned] = await storage.ownedRuns("p1");
    await bury(storage, "p1", [{ ...key, next: { status: "queued", dueAt: null } }]);
    return owned?.losses;
  };
  assert.is(await lose(), 0);
  assert.is(await lose(), 1);
  assert.is(await lose(), 2);
  assert.is(await lose((key) => storage.finishStep(key, stepOf("one"))), 0);
  assert.is(await lose(), 1);
  assert.is(
    await lose((key) => storage.finishStep(key, stepOf("one"))),
    2,
    "a step that was there is no progress",
  );
  // A graceful interruption counts nowhere: it neither adds nor begins again.
  const [run] = (await storage.claim(claimOf())).runs;
  await storage.endAttempt({ runId, fence: run?.fence ?? 0 }, endOf("interrupted"));
  assert.is(await lose(), 3);
});

for (const status of ["failed", "timed_out", "slept"] as const) {
  test(`an attempt that ended as ${status} was no lost lease, so the count begins again`, async ({
    storage,
  }) => {
    const [runId = ""] = await acceptRuns(storage, "a");
    await storage.claim(claimOf());
    await bury(storage, "p1", [{ runId, fence: 1, next: { status: "queued", dueAt: null } }]);
    await storage.claim(claimOf());
    await storage.endAttempt({ runId, fence: 2 }, endOf(status));
    await storage.claim(claimOf());
    assert.is((await storage.ownedRuns("p1"))[0]?.losses, 0);
  });
}

test("only failed and timed-out attempts count against the retries", async ({ storage }) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  const failures: number[] = [];
  for (const status of ["slept", "failed", "interrupted", "timed_out", "slept"] as const) {
    const [run] = (await storage.claim(claimOf())).runs;
    failures.push(run?.failures ?? -1);
    await storage.endAttempt({ runId, fence: run?.fence ?? 0 }, endOf(status));
  }
  const [lost] = (await storage.claim(claimOf())).runs;
  failures.push(lost?.failures ?? -1);
  await bury(storage, "p1", [{ runId, fence: lost?.fence ?? 0, next: { status: "queued", dueAt: null } }]);
  failures.push((await storage.claim(claimOf())).runs[0]?.failures ?? -1);
  assert.equal(failures, [0, 0, 1, 1, 2, 2, 2]);
});

test("an ended attempt leaves its status, result and error where people look", async ({ storage }) => {
  const [done = "", broken = "", asleep = ""] = await acceptMany(storage, "a", 3);
  await storage.claim(claimOf());
  await storage.endAttempt({ runId: done, fence: 1 }, endOf("succeeded", { endedAt: 4_100 }));
  await storage.endAttempt({ runId: broken, fence: 1 }, endOf("failed", { next: { status: "failed" } }));
  const next = requeueOf({ waitingFor: "sleep", dueAt: 9_000 });
  await storage.endAttempt({ runId: asleep, fence: 1 }, endOf("slept", { next }));
  const runs = await Promise.all([done, broken, asleep].map((id) => storage.getRun(id)));
  const error = { code: "error", message: "it broke" };
  assert.equal(
    runs.map((run) => [run?.status, run?.result, run?.error, run?.endedAt, run?.waitingFor, run?.dueAt]),
    [
      ["succeeded", '"result"', null, 4_100, null, null],
      ["failed", null, error, 4_000, null, null],
      ["queued", null, null, null, "sleep", 9_000],
    ],
  );
  assert.equal(
    runs.map((run) => run?.attempts),
    [
      [{ fence: 1, status: "succeeded", startedAt: 2_000, endedAt: 4_100, error: null }],
      [{ fence: 1, status: "failed", startedAt: 2_000, endedAt: 4_000, error }],
      [{ fence: 1, status: "slept", startedAt: 2_000, endedAt: 4_000, error: null }],
    ],
  );
});

test("a repeated endAttempt is success and changes nothing, whatever the run has become", async ({
  file,
  storage,
}) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  const key = { runId, fence: 1 };
  assert.is(await storage.endAttempt(key, endOf("failed")), true);
  for (const go of [async () => {}, () => storage.claim(claimOf()), () => storage.cancel(runId, 5_000)]) {
    await go();
    const before = dump(file);
    assert.is(await storage.endAttempt(key, endOf("failed")), true);
    assert.equal(dump(file), before);
  }
  assert.is(await storage.endAttempt(key, endOf("succeeded")), false, "another end is not the same end");
});

test("a repeated finishStep is success and keeps the first result", async ({ file, storage }) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  const key = { runId, fence: 1 };
  assert.is(await storage.finishStep(key, stepOf("one", { result: "1" })), true);
  const before = dump(file);
  assert.is(await storage.finishStep(key, stepOf("one", { result: "1" })), true);
  assert.equal(dump(file), before);
});

test("a repeated settle, leave, cancel and burial change nothing more", async ({ file, storage }) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  const key = { runId, fence: 1 };
  await storage.cancel(runId, 5_000);
  await storage.settleAttempt(key, 5_100);
  await storage.leave("p1");
  const before = dump(file);
  await storage.settleAttempt(key, 5_200);
  await storage.leave("p1");
  assert.equal(await storage.cancel(runId, 5_300), {
    hasChanged: false,
    previous: "cancelled",
    isErased: false,
  });
  assert.equal(dump(file), before);
});

test("steps and sleeps are remembered for the next attempt, in the order they were stored", async ({
  storage,
}) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  const key = { runId, fence: 1 };
  const steps = [
    stepOf("z", { result: '{"a":1}' }),
    stepOf("nap", { kind: "sleep", result: null, dueAt: 9_000, endedAt: null }),
    stepOf("a", { result: null }),
    stepOf("'quoted' 漢", { result: '"x"' }),
  ];
  for (const step of steps) assert.is(await storage.finishStep(key, step), true);
  await storage.endAttempt(key, endOf("interrupted"));
  assert.equal((await storage.getRun(runId))?.steps, steps);
  const [run] = (await storage.claim(claimOf())).runs;
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  assert.equal(run?.steps.toSorted(byName), steps.toSorted(byName));
});

test("a held run starts neither at its due time nor before the hold ends, until its attempt settles", async ({
  storage,
}) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  const next = requeueOf({ waitingFor: "retry", dueAt: 5_000, heldUntil: 64_000 });
  await storage.endAttempt({ runId, fence: 1 }, endOf("timed_out", { next, isSettled: false }));
  assert.is((await storage.getRun(runId))?.dueAt, 64_000);
  assert.equal(await claimed(storage, { now: 63_999 }), []);
  await storage.settleAttempt({ runId, fence: 1 }, 6_000);
  const run = await storage.getRun(runId);
  assert.equal([run?.dueAt, run?.waitingFor], [5_000, "retry"]);
  assert.equal(await claimed(storage, { now: 6_000 }), [runId]);
});

test("a held run that was ready is ready again when its attempt settles", async ({ storage }) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  await storage.endAttempt(
    { runId, fence: 1 },
    endOf("failed", { next: requeueOf({ heldUntil: 64_000 }), isSettled: false }),
  );
  assert.equal(await claimed(storage, { now: 63_999 }), []);
  await storage.settleAttempt({ runId, fence: 1 }, 6_000);
  const run = await storage.getRun(runId);
  assert.equal([run?.status, run?.dueAt, run?.waitingFor], ["queued", null, null]);
  assert.equal(await claimed(storage, { now: 6_000 }), [runId]);
});

test("a hold never brings a later due time forward", async ({ storage }) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  const next = requeueOf({ waitingFor: "retry", dueAt: 600_000, heldUntil: 64_000 });
  await storage.endAttempt({ runId, fence: 1 }, endOf("failed", { next, isSettled: false }));
  assert.is((await storage.getRun(runId))?.dueAt, 600_000);
  await storage.settleAttempt({ runId, fence: 1 }, 6_000);
  assert.is((await storage.getRun(runId))?.dueAt, 600_000);
});

test("a held run whose attempt never settles starts when the hold ends", async ({ storage }) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  await storage.endAttempt(
    { runId, fence: 1 },
    endOf("failed", { next: requeueOf({ heldUntil: 64_000 }), isSettled: false }),
  );
  assert.equal(await claimed(storage, { now: 64_000 }), [runId]);
  // The first attempt settles at last, which must not touch the second.
  await storage.endAttempt(
    { runId, fence: 2 },
    endOf("failed", { next: requeueOf({ heldUntil: 200_000 }), isSettled: false }),
  );
  await storage.settleAttempt({ runId, fence: 1 }, 100_000);
  assert.is((await storage.getRun(runId))?.dueAt, 200_000);
});

test("a hold that is over is forgotten when the run begins again", async ({ storage }) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  const next = requeueOf({ waitingFor: "retry", dueAt: 5_000, heldUntil: 64_000 });
  await storage.endAttempt({ runId, fence: 1 }, endOf("failed", { next, isSettled: false }));
  await storage.claim(claimOf({ now: 64_000 }));
  await bury(storage, "p1", [{ runId, fence: 2, next: { status: "queued", dueAt: 90_000 } }]);
  await storage.settleAttempt({ runId, fence: 2 }, 70_000);
  assert.is((await storage.getRun(runId))?.dueAt, 90_000);
});

test("settling gives back nothing to a run that waits for its retry without being held", async ({
  storage,
}) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  const next = requeueOf({ waitingFor: "retry", dueAt: 9_000 });
  await storage.endAttempt({ runId, fence: 1 }, endOf("failed", { next }));
  await storage.settleAttempt({ runId, fence: 1 }, 5_000);
  assert.is((await storage.getRun(runId))?.dueAt, 9_000);
});

test("a cancel is final at once, from queued and from running, and says what it was", async ({
  file,
  storage,
}) => {
  const [running = "", queued = ""] = await acceptMany(storage, "a", 2);
  await storage.claim(claimOf({ limit: 1 }));
  assert.equal(await storage.cancel(running, 5_000), {
    hasChanged: true,
    previous: "running",
    isErased: false,
  });
  assert.equal(await storage.cancel(queued, 5_000), {
    hasChanged: true,
    previous: "queued",
    isErased: false,
  });
  const run = await storage.getRun(running);
  assert.equal([run?.status, run?.endedAt], ["cancelled", 5_000]);
  assert.equal(run?.attempts, [
    { fence: 1, status: "cancelled", startedAt: 2_000, endedAt: 5_000, error: null },
  ]);
  assert.is(file.count("runs WHERE owner IS NOT NULL"), 0);
  assert.equal(await claimed(storage, { now: 1_000_000 }), []);
  assert.equal(await storage.owners(), []);
});

test("a cancel drops the due time and the hold of a queued run", async ({ file, storage }) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  const next = requeueOf({ waitingFor: "retry", dueAt: 5_000, heldUntil: 64_000 });
  await storage.endAttempt({ runId, fence: 1 }, endOf("failed", { next, isSettled: false }));
  await storage.cancel(runId, 4_500);
  await storage.settleAttempt({ runId, fence: 1 }, 6_000);
  const run = await storage.getRun(runId);
  assert.equal(
    [run?.status, run?.dueAt, run?.waitingFor, run?.attempts[0]?.status],
    ["cancelled", null, null, "failed"],
  );
  assert.is(file.count("runs WHERE is_held = 1 OR due_after_hold IS NOT NULL"), 0);
});

test("a run at rest is not cancelled, an unknown one is null", async ({ storage }) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  await storage.endAttempt({ runId, fence: 1 }, endOf());
  assert.equal(await storage.cancel(runId, 5_000), {
    hasChanged: false,
    previous: "succeeded",
    isErased: false,
  });
  assert.is((await storage.getRun(runId))?.status, "succeeded");
  assert.is(await storage.cancel("run_none", 5_000), null);
});

test("a retry queues a failed run, keeps its steps and clears its counts, result and error", async ({
  storage,
}) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  await storage.finishStep({ runId, fence: 1 }, stepOf("one"));
  await bury(storage, "p1", [{ runId, fence: 1, next: { status: "queued", dueAt: null } }]);
  await storage.claim(claimOf());
  await storage.endAttempt({ runId, fence: 2 }, endOf("failed", { next: { status: "failed" } }));
  assert.equal(await storage.retry(runId, 6_000, 60_000), {
    hasChanged: true,
    previous: "failed",
    isErased: false,
  });
  const run = await storage.getRun(runId);
  assert.equal(
    [run?.status, run?.error, run?.result, run?.endedAt, run?.dueAt, run?.waitingFor],
    ["queued", null, null, null, null, null],
  );
  const [again] = (await storage.claim(claimOf())).runs;
  assert.equal([again?.fence, again?.failures, again?.steps.map(({ name }) => name)], [3, 0, ["one"]]);
  assert.is((await storage.ownedRuns("p1"))[0]?.losses, 0);
});

test("a retry clears the lost leases, so that the run gets its full number again", async ({ storage }) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  const error = { code: "interrupted_too_often", message: "m" };
  await storage.claim(claimOf());
  await bury(storage, "p1", [{ runId, fence: 1, next: { status: "queued", dueAt: null } }]);
  await storage.claim(claimOf());
  await bury(storage, "p1", [{ runId, fence: 2, next: { status: "failed", error } }]);
  await storage.retry(runId, 6_000, 60_000);
  assert.equal(await claimed(storage, { now: 6_000 }), [runId]);
  assert.is((await storage.ownedRuns("p1"))[0]?.losses, 0);
});

test("a retry is held while the last attempt has not settled, and free when it has", async ({ storage }) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  await storage.cancel(runId, 5_000);
  assert.is((await storage.retry(runId, 6_000, 60_000))?.hasChanged, true);
  const held = await storage.getRun(runId);
  assert.equal([held?.status, held?.dueAt, held?.waitingFor], ["queued", 66_000, "retry"]);
  assert.equal(await claimed(storage, { now: 65_999 }), []);
  await storage.settleAttempt({ runId, fence: 1 }, 7_000);
  assert.equal(await claimed(storage, { now: 7_000 }), [runId]);
});

test("a retry whose last attempt never settles starts after the hold", async ({ storage }) => {
  const [runId = ""] = await acceptRuns(storage, "a");
  await storage.claim(claimOf());
  await storage.endAttempt(
    { runId, fence: 1 },
    endOf("failed", { next: { status: "failed" }, isSettled: false }),
  );
  await storage.retry(runId, 6_000, 60_000);
  assert.equal(await claimed(storage, { now: 65_999 }), []);
  assert.equal(await claimed(storage, { now: 66_000 }), [runId]);
});

test("a retry of a run that never began, or whose attempt settled before, is ready at once", async ({
  storage,
}) => {
  const [never = ""] = await acceptRuns(storage, "a");
  await storage.cancel(never, 2_000);
  await storage.retry(never, 3_000, 60_000);
  assert.equal(await claimed(storage, { now: 3_000 }), [never]);
  await storage.cancel(never, 4_000);
  await storage.settleAttempt({ runId: never, fence: 1 }, 4_100);
  await storage.retry(never, 5_000, 60_000);
  assert.equal(await claimed(storage, { now: 5_000 }), [never]);
});

test("queued, running and succeeded runs are not retried, an unknown one is null", async ({
  file,
  storage,
}) => {
  const [running = "", done = "", queued = ""] = await acceptMany(storage, "a", 3);
  await storage.claim(claimOf({ limit: 2 }));
  await storage.endAttempt({ runId: done, fence: 1 }, endOf());
  const before = dump(file);
  for (const [runId, previous] of [
    [queued, "queued"],
    [running, "running"],
    [done, "succeeded"],
  ] as const) {
    assert.equal(await storage.retry(runId, 5_000, 60_000), { hasChanged: false, previous, isErased: false });
  }
  assert.is(await storage.retry("run_none", 5_000, 60_000), null);
  assert.equal(dump(file), before);
});

test("a retry of a run whose inputs were refused queues it", async ({ storage }) => {
  const refused = runOf("a", { error: { code: "input_invalid", message: "m" } });
  await storage.accept(eventOf(null), [refused], "conflict");
  await storage.retry(refused.id, 5_000, 60_000);
  assert.equal(await claimed(storage, {}), [refused.id]);
});

test.run();

/** The ids of the runs that a claim gets, in order. */
async function claimed(storage: Storage, given: Parameters<typeof claimOf>[0]): Promise<string[]> {
  return (await storage.claim(claimOf(given))).runs.map(({ runId }) => runId);
}

/** Buries a process at 6_000 with the beats that it has now. */
async function bury(
  storage: Storage,
  processId: string,
  runs: Parameters<Storage["bury"]>[0]["runs"],
): Promise<boolean> {
  const owner = (await storage.owners()).find(({ id }) => id === processId);
  return storage.bury({ processId, beats: owner?.beats ?? 0, now: 6_000, runs });
}

/** Everything that a command of an attempt might change. */
function dump(file: StoredFile): unknown {
  return ["runs", "attempts", "steps", "processes"].map((name) => file.rows(`SELECT * FROM ${name}`));
}
