import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openLatchhook, type TestLatchhook } from "../../support/open-latchhook.ts";

const test = suite<{ opened: TestLatchhook }>("flows/examples/price-order");
test.before.each(async (t) => {
  t.opened = await openLatchhook({ workflowsDir: new URL("../../../workflows/", import.meta.url) });
});
test.after.each((t) => t.opened.close());

test("each line is priced as a step of its own, and the prices are added up", async ({ opened }) => {
  const lines = [
    { sku: "pen", count: 3 },
    { sku: "ink", count: 1 },
  ];
  const run = await opened.reaches(await opened.start("price_order", { lines }), "succeeded");
  assert.equal(run.result, { lines, prices: [360, 450], total: 810 });
  assert.equal(run.steps.map(({ name }) => name).sort(), ["price#1", "price#2", "sum"]);
});

test("a line that is not sold fails after its attempts, and the others keep their prices", async ({
  opened,
}) => {
  const id = await opened.start("price_order", {
    lines: [
      { sku: "pen", count: 1 },
      { sku: "gold", count: 1 },
    ],
  });
  for (let left = 3; left > 0; left--) await opened.clock.advance(600_000);
  const run = await opened.reaches(id, "failed");
  assert.match(run.error?.message ?? "", /Cannot price "gold": it is not sold here/);
  assert.is(run.attempts.length, 3);
  assert.equal(
    run.steps.map(({ name, result }) => `${name} ${JSON.stringify(result)}`),
    ['price#1 {"cents":120}'],
  );
});

test.run();
