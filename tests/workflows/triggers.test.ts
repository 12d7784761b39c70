import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import type { AnyWorkflow, Trigger } from "../../lib/workflow.ts";
import { compileTriggers, type FilterFault, type TriggerEvent } from "../../lib/workflows/triggers.ts";

const test = suite("workflows/triggers");

const EVENT: TriggerEvent = {
  provider: "acme",
  type: "pull_request.opened",
  webhookId: "a",
  headers: { "content-type": "application/json" },
  body: { action: "opened", number: 7 },
};

function decide(on: readonly Trigger[] | undefined, event: Partial<TriggerEvent> = {}) {
  const workflow = defineWorkflow({ ...(on === undefined ? {} : { on }), run: () => null });
  const faults: FilterFault[] = [];
  const matches = compileTriggers({ name: "mail", fileHash: null, workflow });
  return { isMatch: matches({ ...EVENT, ...event }, faults), faults };
}

const cases: readonly [
  what: string,
  on: readonly Trigger[] | undefined,
  expected: boolean,
  event?: Partial<TriggerEvent>,
][] = [
  ["no on", undefined, false],
  ["its provider", [{ provider: "acme" }], true],
  ["another provider", [{ provider: "hub" }], false],
  ["its provider among others", [{ provider: "hub" }, { provider: "acme" }], true],
  ["its type", [{ provider: "acme", event: "pull_request" }], true],
  ["another type", [{ provider: "acme", event: "push" }], false],
  ["another provider's type", [{ provider: "hub", event: "pull_request" }], false],
  ["any type, where it has none", [{ provider: "acme", event: "*" }], true, { type: null }],
  ["a type, where it has none", [{ provider: "acme", event: "a*" }], false, { type: null }],
  ["a filter", [{ provider: "acme", if: "body.number > 5" }], true],
  ["a filter that does not match", [{ provider: "acme", if: "body.number > 7" }], false],
  ["another provider's filter", [{ provider: "hub", if: "true" }], false],
  [
    "a type and a filter",
    [{ provider: "acme", event: "pull_request.*", if: 'body.action == "opened"' }],
    true,
  ],
  ["a type that misses and a filter", [{ provider: "acme", event: "push", if: "true" }], false],
  [
    "all that a filter sees",
    [
      {
        provider: "acme",
        if: `event.provider == "acme" && event.type == "pull_request.opened" && event.webhook_id == "a" && headers["content-type"].startsWith("application/")`,
      },
    ],
    true,
  ],
  [
    "no type in a filter",
    [{ provider: "acme", if: "event.type == null && event.webhook_id == null" }],
    true,
    { type: null, webhookId: null },
  ],
  [
    "the second filter",
    [
      { provider: "acme", if: "false" },
      { provider: "acme", if: "true" },
    ],
    true,
  ],
];
for (const [what, on, expected, event] of cases) {
  test(`${what}: ${expected ? "it starts" : "it does not start"}, and nothing is noted`, () => {
    assert.equal(decide(on, event), { isMatch: expected, faults: [] });
  });
}

const unanswered: readonly [filter: string, kind: FilterFault["kind"], detail: RegExp][] = [
  ["body.label == 'x'", "absent", /^body\.label is absent$/],
  ["body.action > 5", "type", /text and a number/],
  ["body.action", "type", /^it gives text in place of true or false$/],
  ["body.number", "type", /^it gives a number in place/],
  ["body", "type", /^it gives an object in place/],
  ["event.type == null ? body : null", "type", /^it gives null in place/],
];
for (const [filter, kind, detail] of unanswered) {
  test(`${filter} is no match, and says why without what was sent`, () => {
    const { isMatch, faults } = decide([{ provider: "acme", if: filter }]);
    assert.is(isMatch, false);
    assert.is(faults.length, 1);
    assert.equal([faults[0]?.workflowName, faults[0]?.kind], ["mail", kind]);
    assert.match(faults[0]?.detail ?? "", detail);
  });
}

test("a filter without an answer is told though another entry matches", () => {
  const { isMatch, faults } = decide([{ provider: "acme", if: "body.label == 1" }, { provider: "acme" }]);
  assert.equal([isMatch, faults.length], [true, 1]);
});

test("a workflow of another copy of the library with an on that cannot be used is refused by name", () => {
  const workflow: AnyWorkflow = {
    ...defineWorkflow({ run: () => null }),
    on: [{ provider: "acme" }, { provider: "acme", if: "bdoy == 1" }],
  };
  assert.throws(
    () => compileTriggers({ name: "mail", fileHash: null, workflow }),
    (error: Error) =>
      error instanceof TypeError &&
      /^Cannot use on\[1\] of workflow "mail": Unknown variable: bdoy/.test(error.message),
  );
});

test.run();
