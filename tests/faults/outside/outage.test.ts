import { existsSync } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { auditFaults, readAudit, storedFaults } from "../../support/audit.ts";
import { type SpawnedServer, Stage, stopped } from "../../support/spawn-server.ts";
import { StoredFile } from "../../support/stored.ts";
import { until } from "../../support/until.ts";
import { fillDisk, forbidWrites, limitFiles, mountSmallDisk, unmount } from "./machine.ts";
import { assertOurFault, deliver, logged, probes } from "./sender.ts";

/** By the design: while another process holds the lock for 3 s, `/health` answers within 50 ms. */
const LOCK_MS = 3_000;
const HEALTH_MS_MAX = 50;

/** A fault that begins and ends under a running server. */
interface Outage {
  name: string;
  /** On a file system of its own, where this machine lets us mount one. */
  isOnSmallDisk?: true;
  /** A copy of an accepted delivery needs no write: it gets its 200, unless what shares its commit fails. */
  mayAnswerCopies: boolean;
  /** What the operator reads of it. */
  log: RegExp;
  /** @returns ends it */
  begin(disk: Disk, server: SpawnedServer): Promise<() => unknown>;
}

/** The folder of the database. */
interface Disk {
  folder: string;
  file: StoredFile;
  isMounted: boolean;
}

/** Nothing more fits the log: also for a machine that lets nobody mount a disk or make a file immutable. */
const limitGrowth: Outage["begin"] = async ({ file }, { pid }) =>
  limitFiles(pid, (await stat(`${file.path}-wal`)).size);

const outages: readonly Outage[] = [
  {
    name: "a disk that is full",
    isOnSmallDisk: true,
    mayAnswerCopies: true,
    log: /disk is full|disk I\/O error/,
    begin: async (disk, server) =>
      disk.isMounted ? fillDisk(join(disk.folder, "filler")) : limitGrowth(disk, server),
  },
  { name: "a file that may not grow", mayAnswerCopies: true, log: /disk I\/O error/, begin: limitGrowth },
  {
    name: "a database that nobody may write to any more",
    mayAnswerCopies: true,
    log: /disk I\/O error/,
    begin: async (disk, server) =>
      (await forbidWrites(disk.file.path, `${disk.file.path}-wal`)) ?? limitGrowth(disk, server),
  },
  {
    name: "another process that holds the lock",
    mayAnswerCopies: false,
    log: /another process holds the database's lock/,
    begin: async ({ file }) => {
      const other = file.connect();
      other.exec("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE");
      return () => {
        other.exec("COMMIT");
        other.close();
      };
    },
  },
  {
    name: "a database file that was moved away",
    mayAnswerCopies: false,
    log: /no longer where it was opened; put the same files back/,
    begin: async ({ file }) => {
      await rename(file.path, `${file.path}.away`);
      return () => rename(`${file.path}.away`, file.path);
    },
  },
  {
    name: "a folder that was moved away with the database",
    mayAnswerCopies: false,
    log: /no longer where it was opened; put the same files back/,
    begin: async ({ folder }) => {
      await rename(folder, `${folder}.away`);
      return () => rename(`${folder}.away`, folder);
    },
  },
];

const test = suite<{ stage: Stage }>("faults/outside/outage");
test.before.each(async (t) => {
  t.stage = await Stage.make();
});
test.after.each(({ stage }) => stage.close());

/** Runs a test on a disk of its own. */
async function withDisk(stage: Stage, isSmall: boolean, use: (disk: Disk) => Promise<void>): Promise<void> {
  const folder = join(stage.file.folder, "disk");
  await mkdir(folder);
  const isMounted = isSmall && (await mountSmallDisk(folder));
  try {
    await use({ folder, file: new StoredFile(folder), isMounted });
  } finally {
    await stage.end();
    if (isMounted) await unmount(folder);
  }
}

for (const { name, isOnSmallDisk = false, mayAnswerCopies, log, begin } of outages) {
  test(`${name}: 503 until it is over, then all goes on without a restart, and nothing is lost or done twice`, ({
    stage,
  }) =>
    withDisk(stage, isOnSmallDisk, async (disk) => {
      const server = await stage.server({ env: { DATABASE_URL: disk.file.url } });
      const gate = stage.gate();
      const accepted = new Map<string, string>();
      const before = await deliver(server, "quick", "before");
      const awake = await deliver(server, "gated", "awake", { gate });
      assert.equal([before.status, awake.status], [202, 202]);
      accepted.set("before", String(before.json.run_id)).set("awake", String(awake.json.run_id));
      await server.reaches(String(before.json.run_id), "succeeded");
      await until(
        () => readAudit(stage.auditPath).some(({ step }) => step === "gate"),
        "the gate to be reached",
      );

      const end = await begin(disk, server);
      try {
        const during = await deliver(server, "quick", "during");
        assertOurFault(during);
        assert.ok(during.tookMs < 10_000, `the sender waited ${during.tookMs} ms for its 503`);
        const early = await deliver(server, "quick", "before");
        if (mayAnswerCopies && early.status === 200) assert.is(early.json.run_id, before.json.run_id);
        else assertOurFault(early);
        assert.equal(await probes(server), { health: 200, ready: 503 });
        await stage.openGate(gate); // what the run does now cannot be stored yet
        await until(() => logged(server, "storage refuses, trying again").length > 0, "the runner to say so");
        assert.match(JSON.stringify(logged(server, "request failed")[0]), log);
        assert.is(server.end, null);
      } finally {
        await end();
      }

      await until(async () => (await probes(server)).ready === 200, "it to be ready again", 20_000);
      // A 503 does not promise that nothing was stored.
      const again = await deliver(server, "quick", "during");
      assert.ok([200, 202].includes(again.status), `it was answered ${again.status}`);
      accepted.set("during", String(again.json.run_id));
      const late = await deliver(server, "quick", "before");
      assert.equal([late.status, late.json.run_id], [200, before.json.run_id]);
      const run = await server.reaches(String(awake.json.run_id), "succeeded");
      assert.equal(
        run.attempts.map((attempt) => attempt.status),
        ["succeeded"],
      );
      await server.reaches(String(again.json.run_id), "succeeded");
      await stopped(server);
      assert.equal(storedFaults(disk.file, accepted), []);
      assert.is(disk.file.count("webhook_events"), 3);
      assert.equal(auditFaults(readAudit(stage.auditPath)), []);
    }));
}

test("while another process holds the lock for 3 s /health answers at once, and what came meanwhile is accepted when it lets go", async ({
  stage,
}) => {
  const server = await stage.server();
  const other = stage.file.connect();
  other.exec("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE");
  const lockedAt = performance.now();
  const waiting = Array.from({ length: 20 }, (_, at) => deliver(server, "quick", `id-${at}`));
  const tookMs: number[] = [];
  while (performance.now() - lockedAt < LOCK_MS) {
    const askedAt = performance.now();
    assert.is((await server.ask("GET", "/health")).status, 200);
    tookMs.push(performance.now() - askedAt);
  }
  other.exec("COMMIT");
  const accepted = new Map<string, string>();
  for (const [at, seen] of (await Promise.all(waiting)).entries()) {
    assert.is(seen.status, 202);
    assert.ok(seen.tookMs >= LOCK_MS - 1_000, "it was answered before the lock was free");
    accepted.set(`id-${at}`, String(seen.json.run_id));
  }
  // Not the worst of them, which is the machine's: a wait inside SQLite would hold up every one.
  tookMs.sort((a, b) => a - b);
  const half = tookMs[tookMs.length >> 1] ?? Number.POSITIVE_INFINITY;
  assert.ok(half < HEALTH_MS_MAX, `half of ${tookMs.length} answers took ${half} ms and more`);
  for (const id of accepted.values()) await server.reaches(id, "succeeded");
  await stopped(server);
  assert.equal(storedFaults(stage.file, accepted), []);
});

test("a database that was removed is given up: 503 until a restart, which begins a new one", async ({
  stage,
}) => {
  const server = await stage.server();
  assert.is((await deliver(server, "quick", "before")).status, 202);
  for (const ending of ["", "-wal", "-shm"]) await rm(`${stage.file.path}${ending}`);
  assertOurFault(await deliver(server, "quick", "during"));
  assert.equal(await probes(server), { health: 200, ready: 503 });
  assert.is(existsSync(stage.file.path), false, "it made a file that no other process shares");
  await stopped(server);
  const next = await stage.server();
  assert.is((await deliver(next, "quick", "during")).status, 202);
});

test.run();
