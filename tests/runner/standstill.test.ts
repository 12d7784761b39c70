import { suite } from "uvu";
import * as assert from "uvu/assert";
import { silentLog } from "../../lib/log.ts";
import { Standstill } from "../../lib/runner/standstill.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { recordingLog, type TestLatchhook } from "../support/open-latchhook.ts";

const TICK_MS = 250;

const test = suite("runner/standstill");

test("runs are awake from their beginning to their end, and of many twenty are named", () => {
  const standstill = new Standstill({ clock: new ManualClock(), log: silentLog }, TICK_MS);
  for (let at = 0; at < 40; at++) standstill.began(`run_${at}`, "w");
  for (let at = 0; at < 10; at++) standstill.ended(`run_${at}`);
  const names = Array.from({ length: 20 }, (_, at) => `run_${at + 10} w`);
  assert.equal(standstill.awake(), [...names, "10 more"]);
  for (let at = 15; at < 40; at++) standstill.ended(`run_${at}`);
  assert.equal(standstill.awake(), names.slice(0, 5));
  standstill.stop();
});

test("after a blocked loop those that ended since the last tick are named first, and once", async () => {
  const lines: TestLatchhook["lines"] = [];
  const clock = new ManualClock();
  const standstill = new Standstill({ clock, log: recordingLog(lines) }, TICK_MS);
  standstill.began("run_1", "short");
  standstill.began("run_2", "long");
  standstill.ended("run_1");
  clock.block(1_500);
  await clock.advance(TICK_MS);
  clock.block(1_500);
  await clock.advance(TICK_MS);
  assert.equal(
    lines.map(({ fields }) => fields.runs_awake),
    [["run_1 short", "run_2 long"], ["run_2 long"]],
  );
  standstill.stop();
});

test.run();
