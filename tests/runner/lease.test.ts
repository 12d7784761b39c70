import { suite } from "uvu";
import * as assert from "uvu/assert";
import { silentLog } from "../../lib/log.ts";
import type { AttemptKey, Storage } from "../../lib/repositories.ts";
import { Lease } from "../../lib/runner/lease.ts";
import { Persist } from "../../lib/runner/persist.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { until } from "../support/until.ts";

const LEASE_MS = 8_000;

interface T {
  clock: ManualClock;
  lease: Lease;
  /** Beats that were sent and are not answered yet. */
  beats: ((owned: readonly AttemptKey[] | null) => void)[];
  /** What the beats have told, in their order. */
  told: (readonly AttemptKey[] | null)[];
}

const test = suite<T>("runner/lease");
test.before.each((t) => {
  const clock = new ManualClock();
  t.clock = clock;
  t.beats = [];
  t.told = [];
  const beat = (): Promise<readonly AttemptKey[] | null> =>
    new Promise((resolve) => {
      t.beats.push(resolve);
    });
  const storage = { beat } as unknown as Storage;
  const persist = new Persist({ clock, random: () => 0.5, log: silentLog }, 100);
  const givens = { storage, clock, persist, beatMs: 2_000, leaseMs: LEASE_MS };
  t.lease = new Lease(givens, (owned) => void t.told.push(owned));
});
test.after.each(({ lease }) => lease.end());

test("beats that follow each other within the lease vouch for all that was claimed since the first", ({
  lease,
  clock,
}) => {
  lease.begin(clock.monotonic());
  for (let at = 0; at < 5; at++) {
    clock.block(LEASE_MS - 1);
    assert.ok(lease.isSureOf(0));
    lease.begin(clock.monotonic());
  }
  clock.block(LEASE_MS);
  assert.not.ok(lease.isSureOf(0), "the lease is over");
});

test("a claim after the lease was over vouches for itself, and for what was claimed before only once a beat is answered", async ({
  lease,
  clock,
  beats,
}) => {
  lease.begin(0);
  clock.block(LEASE_MS);
  const again = clock.monotonic();
  lease.begin(again);
  assert.ok(lease.isSureOf(again));
  assert.not.ok(lease.isSureOf(0), "another process may have taken it over meanwhile");
  const asked = lease.ensure(0, () => true);
  await until(() => beats.length === 1, "a beat");
  beats[0]?.([]);
  assert.is(await asked, true);
  assert.ok(lease.isSureOf(0), "nobody said that it was lost");
});

test("where the beat tells that the run is another's, its step does not begin", async ({
  lease,
  clock,
  beats,
  told,
}) => {
  lease.begin(0);
  clock.block(LEASE_MS);
  lease.begin(clock.monotonic());
  const asked = lease.ensure(0, () => told.length === 0);
  await until(() => beats.length === 1, "a beat");
  beats[0]?.([]);
  assert.is(await asked, false);
});

test("a beat that was sent before all that does not tell, and another is sent", async ({
  lease,
  clock,
  beats,
}) => {
  lease.begin(0);
  clock.block(LEASE_MS);
  const early = lease.ensure(0, () => true);
  await until(() => beats.length === 1, "the first beat");
  clock.block(LEASE_MS);
  lease.begin(clock.monotonic());
  const late = lease.ensure(0, () => true);
  beats[0]?.([]);
  await until(() => beats.length === 2, "a second beat");
  assert.not.ok(lease.isSureOf(0));
  beats[1]?.([]);
  assert.equal(await Promise.all([early, late]), [true, true]);
  assert.is(beats.length, 2);
});

test.run();
