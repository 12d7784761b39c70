import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FilterLog, notesOf } from "../../lib/accept/filter-log.ts";
import type { FilterFault } from "../../lib/workflows/triggers.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { recordingLog, type TestLatchhook } from "../support/open-latchhook.ts";

const test = suite("accept/filter-log");

const ABOUT = { provider: "acme", webhookId: "a" };
const fault = (kind: FilterFault["kind"], detail = "body.a is absent"): FilterFault => ({
  workflowName: "mail",
  kind,
  detail,
});

test("an absent field is an info, any other reason a warning", () => {
  const lines: TestLatchhook["lines"] = [];
  new FilterLog(recordingLog(lines), new ManualClock()).write(
    [fault("absent"), fault("type"), fault("exhausted")],
    ABOUT,
  );
  assert.equal(
    lines.map(({ level }) => level),
    ["info", "warn", "warn"],
  );
  assert.equal(lines[0]?.fields, {
    provider: "acme",
    webhook_id: "a",
    workflow_name: "mail",
    because: "body.a is absent",
  });
});

test("a flood is a hundred lines a second of each kind, and the next says how many were left out", async () => {
  const lines: TestLatchhook["lines"] = [];
  const clock = new ManualClock();
  const log = new FilterLog(recordingLog(lines), clock);
  log.write(Array(500).fill(fault("absent")), ABOUT);
  assert.is(lines.length, 100);
  log.write([fault("type")], ABOUT);
  assert.is(lines.length, 101);
  await clock.advance(1_000);
  log.write([fault("absent")], ABOUT);
  assert.is(lines.at(-1)?.fields.left_out, 400);
});

test("an event has 20 notes at most, and the number of those left out", () => {
  assert.equal(notesOf([]), []);
  assert.equal(notesOf([fault("absent")]), ["filter of mail without an answer: body.a is absent"]);
  const notes = notesOf(Array(50).fill(fault("absent")));
  assert.is(notes.length, 21);
  assert.is(notes.at(-1), "and 30 more filters without an answer");
});

test.run();
