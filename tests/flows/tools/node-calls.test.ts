import { suite } from "uvu";
import * as assert from "uvu/assert";
import { CALLS_MAX, NodeCalls, nodeCalls } from "../../../lib/flows/tools/node-calls.ts";
import type { RunContext } from "../../../lib/workflow.ts";

const test = suite("flows/tools/node-calls");

test("a call of the same name is made once, also while the first is under way", async () => {
  const calls = new NodeCalls("ask");
  let made = 0;
  const make = async (): Promise<string> => `answer ${++made}`;
  const both = await Promise.all([calls.answer("a", make), calls.answer("a", make)]);
  assert.equal([...both, await calls.answer("b", make)], ["answer 1", "answer 1", "answer 2"]);
});

test(`${CALLS_MAX} calls are made and one more is refused, whether it is new or not`, async () => {
  for (const nameOf of [String, () => "same"]) {
    const calls = new NodeCalls("ask#2");
    for (let index = 0; index < CALLS_MAX; index++) await calls.answer(nameOf(index), async () => "");
    assert.throws(
      () => calls.answer(nameOf(CALLS_MAX), async () => ""),
      /^Cannot call tools more than 20 times in "ask#2": say in the prompt when to stop$/,
    );
  }
});

test("each attempt and each step of it has calls of its own", () => {
  const callsOf = nodeCalls();
  const [one, two] = [{}, {}] as RunContext<unknown>[] as [RunContext<unknown>, RunContext<unknown>];
  const first = callsOf({ run: one, stepName: "ask#1" });
  assert.is(callsOf({ run: one, stepName: "ask#1" }), first);
  assert.is.not(callsOf({ run: one, stepName: "ask#2" }), first);
  assert.is.not(callsOf({ run: two, stepName: "ask#1" }), first);
});

test.run();
