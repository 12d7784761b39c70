import { suite } from "uvu";
import * as assert from "uvu/assert";
import { newId } from "../lib/ids.ts";

const test = suite("ids");

test("an id has its prefix, its time and 96 bits that no other one has", () => {
  const ids = Array.from({ length: 5_000 }, () => newId("evt"));
  assert.is(new Set(ids.map((id) => id.slice(-16))).size, ids.length);
  for (const id of ids) assert.match(id, /^evt_[\w-]{24}$/);
  // Each place takes each digit: a bit that never changed would halve what has to be guessed.
  for (let at = 12; at < 28; at++) assert.is(new Set(ids.map((id) => id[at])).size, 64, `place ${at}`);
});

test("ids sort by the millisecond in which they were made", async () => {
  const ids: string[] = [];
  for (let round = 0; round < 5; round++) {
    ids.push(newId("run"));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.equal([...ids].sort(), ids);
});

test.run();
