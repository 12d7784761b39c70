import { suite } from "uvu";
import * as assert from "uvu/assert";
import { retryDelay } from "../../lib/runner/retry.ts";

const test = suite("runner/retry");
const policy = { attempts: 10, minDelayMs: 2_000, maxDelayMs: 600_000 };

test("the bound doubles with each attempt and ends at the longest delay", () => {
  const bounds = [1, 2, 3, 8, 9, 10, 60].map((attempt) => retryDelay(attempt, policy, () => 0.999_999_999));
  assert.equal(bounds, [2_000, 4_000, 8_000, 256_000, 512_000, 600_000, 600_000]);
});

test("the jitter is full: from nothing to the bound", () => {
  assert.is(
    retryDelay(5, policy, () => 0),
    0,
  );
  assert.is(
    retryDelay(1, policy, () => 0.5),
    1_000,
  );
});

test("attempts count from 1", () => {
  assert.throws(() => retryDelay(0, policy, () => 0), RangeError);
});

test.run();
