import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Shedding, type SheddingGivens } from "../../lib/accept/shedding.ts";
import { WebhookError } from "../../lib/errors.ts";
import { ManualClock } from "../support/manual-clock.ts";

const test = suite("accept/shedding");

function sheddingOf(given: Partial<SheddingGivens>): Shedding {
  const clock = new ManualClock();
  const none = { rates: new Map(), runsReadyMax: null, countReady: async () => 0 };
  return new Shedding({ clock, ...none, ...given });
}

/** Fails unless it is refused so, with the reason in the message, which is for the log. */
function refuses(act: () => void, code: string, why: RegExp): void {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof WebhookError);
    assert.is(error.code, code);
    assert.match(error.message, why);
    return;
  }
  assert.unreachable("it was let in");
}

test("bodies in flight may fill the bound to the byte, and what leaves makes room for as much", () => {
  const shedding = sheddingOf({ bytesMax: 100 });
  shedding.enter("generic", 60);
  shedding.enter("generic", 40);
  refuses(() => shedding.enter("generic", 1), "overloaded", /bodies of those that wait/);
  shedding.leave(40);
  refuses(() => shedding.enter("generic", 41), "overloaded", /bodies/);
  shedding.enter("generic", 40);
});

test("one delivery more than the bound is refused, before it is read and after, until one leaves", () => {
  const shedding = sheddingOf({ deliveriesMax: 2 });
  shedding.enter("generic", 1);
  shedding.checkRoom();
  shedding.enter("generic", 1);
  refuses(() => shedding.checkRoom(), "overloaded", /too many deliveries/);
  refuses(() => shedding.enter("generic", 1), "overloaded", /too many deliveries/);
  shedding.leave(1);
  shedding.checkRoom();
});

test("what is above a provider's rate is refused by its name, and takes no room", () => {
  const rates = new Map([["acme", { count: 1, perMs: 1_000 }]]);
  const shedding = sheddingOf({ deliveriesMax: 2, rates });
  shedding.enter("acme", 1);
  for (let at = 0; at < 5; at++) refuses(() => shedding.enter("acme", 1), "rate_limited", /acme sends more/);
  shedding.enter("generic", 1);
});

test("without a bound, or without runs, nothing is counted and nobody waits", () => {
  assert.is(sheddingOf({}).reserveRuns(5), null);
  const counted = sheddingOf({ runsReadyMax: 1, countReady: () => Promise.reject(new Error("counted")) });
  assert.is(counted.reserveRuns(0), null);
});

test("runs past the bound are refused, and what was reserved and not queued makes room", async () => {
  const shedding = sheddingOf({ runsReadyMax: 2 });
  await shedding.reserveRuns(2);
  const refused = await shedding.reserveRuns(1)?.catch((error: unknown) => error);
  assert.ok(refused instanceof WebhookError);
  assert.match(refused.message, /too many runs wait for a slot/);
  shedding.settleRuns(2, 1);
  await shedding.reserveRuns(1);
});

test.run();
