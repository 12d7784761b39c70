import { suite } from "uvu";
import * as assert from "uvu/assert";
import { silentLog } from "../../lib/log.ts";
import type { Storage } from "../../lib/repositories.ts";
import { Retention } from "../../lib/runner/retention.ts";
import { TIMING } from "../../lib/runner/timing.ts";
import { acceptMany, claimOf, endOf, eventOf, StoredFile } from "../support/stored.ts";
import { until } from "../support/until.ts";

const DAY_MS = 86_400_000;

interface T {
  file: StoredFile;
  storage: Storage;
  retention: Retention;
  /** How many events each batch changed. */
  batches: number[];
}

const test = suite<T>("runner/retention");
test.before.each(async (t) => {
  t.file = await StoredFile.make();
  t.storage = await t.file.open();
  t.batches = [];
  const cleanup = t.storage.cleanup.bind(t.storage);
  t.storage.cleanup = async (command) => {
    const changed = await cleanup(command);
    t.batches.push(changed);
    return changed;
  };
  const { clock } = t.file;
  const days = { retentionDays: 1, idRetentionDays: 36_500 };
  t.retention = new Retention({ storage: t.storage, clock, log: silentLog, timing: TIMING, ...days });
});
test.after.each(async (t) => {
  t.retention.stop();
  await t.file.close();
});

/** Events of long ago, each with a run that has ended. */
async function rested(storage: Storage, count: number): Promise<void> {
  await acceptMany(storage, "a", count);
  const { runs } = await storage.claim(claimOf({ limit: count }));
  await Promise.all(runs.map((run) => storage.endAttempt(run, endOf())));
}

test("an accept waits for one batch of a pass at most, however much there is to erase", async (t) => {
  const { storage, retention, batches, file } = t;
  await rested(storage, 1_050);
  const waits: number[] = [];
  let isOver = false;
  const senders = (async () => {
    for (let id = 0; !isOver; id++) {
      const before = batches.length;
      await storage.accept(eventOf(`id ${id}`, { acceptedAt: file.clock.now() }), [], "conflict");
      waits.push(batches.length - before);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  retention.start();
  await file.clock.advance(10 * 60_000);
  await until(() => (batches.at(-1) ?? 200) < 200, "the end of the pass");
  isOver = true;
  await senders;
  assert.equal(batches, [200, 200, 200, 200, 200, 50]);
  assert.ok(waits.length >= batches.length, `${waits.length} accepts during the pass`);
  assert.ok(Math.max(...waits) <= 1, `an accept waited for ${Math.max(...waits)} batches`);
  assert.is(file.count("webhook_events WHERE erased_at IS NOT NULL"), 1_050);
});

test("an event with an unfinished run outlives every pass, and its id with it", async (t) => {
  const { storage, retention, file } = t;
  await acceptMany(storage, "a", 3);
  const { runs } = await storage.claim(claimOf({ limit: 2 })); // one queued, two running
  const [ends] = runs;
  if (ends !== undefined) await storage.endAttempt(ends, endOf("succeeded", { endedAt: file.clock.now() }));
  retention.start();
  await file.clock.advance(30 * DAY_MS);
  const rows = file.rows(
    "SELECT r.status, e.body IS NOT NULL AS is_whole FROM webhook_events e JOIN runs r ON r.event_seq = e.seq ORDER BY r.seq",
  );
  assert.equal(
    rows.map(({ status, is_whole }) => [status, Number(is_whole)]),
    [
      ["succeeded", 0],
      ["running", 1],
      ["queued", 1],
    ],
  );
});

test("a stop ends a pass between two batches", async (t) => {
  const { storage, retention, batches, file } = t;
  await rested(storage, 1_000);
  const cleanup = storage.cleanup;
  storage.cleanup = async (command) => {
    const changed = await cleanup(command);
    if (batches.length === 2) retention.stop();
    return changed;
  };
  retention.start();
  await file.clock.advance(3 * 3_600_000);
  assert.equal(batches, [200, 200]);
});

test.run();
