import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { EdgeForm, FlowConfig } from "../../lib/flows/flow-config.ts";
import { flowFromConfig } from "../../lib/flows/parse.ts";
import type { AnyWorkflow } from "../../lib/workflow.ts";
import { flowHost } from "../support/flow-host.ts";
import { randomOf } from "../support/random.ts";
import { attempt, type Remembered } from "../support/walk.ts";

const test = suite("flows/schedules");

/** A node of a made-up flow, by numbers: where it goes and what it reads and writes, as far as that is there. */
interface Plan {
  readonly way: "to" | "fork" | "routes" | "loop";
  readonly targets: readonly number[];
  readonly reads: readonly number[];
  readonly writes: number;
}

const FIELDS = 16;

const plans = fc.array(
  fc.record<Plan>({
    way: fc.constantFrom("to", "fork", "fork", "fork", "routes", "loop"),
    targets: fc.array(fc.nat(2), { minLength: 1, maxLength: 4 }),
    reads: fc.array(fc.nat(FIELDS - 1), { maxLength: 2 }),
    writes: fc.nat(FIELDS - 1),
  }),
  { minLength: 4, maxLength: 10 },
);

/** A flow that goes on to later nodes only, but for loops; nodes that nothing leads to are left out. */
function configOf(all: readonly Plan[]): FlowConfig {
  const idAt = (from: number, step: number): string =>
    from + 1 + step >= all.length ? "END" : `n${from + 1 + step}`;
  const edges = all.map(({ way, targets }, index): EdgeForm => {
    const from = `n${index}`;
    const ids = [...new Set(targets.map((step) => idAt(index, step)))];
    const [first = "END", second = "END"] = ids;
    if (way === "fork") {
      const nodes = ids.filter((id) => id !== "END");
      return nodes.length > 1 ? { from, to: nodes } : { from, to: first };
    }
    if (way === "routes") {
      const logic = `size(state.f${index}) % 2 == 0`;
      return {
        from,
        routes: [
          { condition: { logic }, to: first },
          { condition: { logic: "default" }, to: second },
        ],
      };
    }
    if (way === "loop") return { from, loop: { max_iterations: 2, condition_field: "done", exit_to: first } };
    return { from, to: first };
  });
  const reached = new Set(["n0"]);
  for (const id of reached) {
    const edge = edges.find(({ from }) => from === id);
    const next = [edge?.to ?? [], edge?.routes?.map(({ to }) => to) ?? [], edge?.loop?.exit_to ?? []]
      .flat()
      .flat();
    for (const to of next) if (to !== "END") reached.add(to);
  }
  const nodes = all.flatMap(({ reads, writes }, index) => {
    if (!reached.has(`n${index}`)) return [];
    const inputs = Object.fromEntries(reads.map((field) => [`f${field}`, `{f${field}}`]));
    return [
      {
        id: `n${index}`,
        run: "x.ts#work",
        inputs: { ...inputs, me: `n${index}` },
        outputs: { [`f${writes}`]: "result" },
      },
    ];
  });
  return {
    schema_version: "1.0",
    flow: { name: "made-up" },
    state: {
      fields: {
        ...Object.fromEntries(
          Array.from({ length: FIELDS }, (_, field) => [`f${field}`, { type: "str", default: "" }]),
        ),
        done: { type: "bool", default: false },
      },
    },
    nodes,
    edges: [{ from: "START", to: "n0" }, ...edges.filter(({ from }) => reached.has(from))],
  };
}

/** Work that takes so many turns as chance has it, and fails once the budget of calls is used up. */
function worker(seed: number, budget = Number.POSITIVE_INFINITY): { module: object; calls: string[] } {
  const random = randomOf(seed);
  const calls: string[] = [];
  let left = budget;
  const work = async (inputs: Record<string, string>): Promise<string> => {
    for (let turns = Math.floor(random() * 4); turns > 0; turns--)
      await new Promise((resolve) => setImmediate(resolve));
    if (left-- <= 0) throw new Error("crash");
    calls.push(inputs.me ?? "");
    const text = Object.entries(inputs)
      .sort()
      .map(([name, value]) => `${name}=${value}`)
      .join(",");
    // Kept short, but different for different inputs.
    return `${inputs.me}:${[...text].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) % 65_521, 7)}${"x".repeat(text.length % 2)}`;
  };
  return { module: { work }, calls };
}

async function load(config: FlowConfig, module: object): Promise<AnyWorkflow | null> {
  try {
    return await flowFromConfig(config, flowHost({ importModule: async () => module }));
  } catch (error) {
    // The only fault that these flows can have: two nodes at the same time use one field.
    assert.match((error as Error).message, /they run at the same time/);
    return null;
  }
}

test("a flow that is taken gives the same state by the same steps in every order, and after every crash", async () => {
  let taken = 0;
  let forked = 0;
  await fc.assert(
    fc.asyncProperty(plans, fc.nat(), async (plan, seed) => {
      const config = configOf(plan);
      const first = worker(seed);
      const flow = await load(config, first.module);
      if (flow === null) return;
      taken++;
      if (config.edges.some(({ to }) => Array.isArray(to))) forked++;
      const steps: Remembered = new Map();
      const state = await attempt(flow, {}, steps);
      const other = worker(seed + 1);
      const again: Remembered = new Map();
      const second = await load(config, other.module);
      assert.equal(await attempt(second as AnyWorkflow, {}, again), state, "another order");
      assert.equal([...again].sort(), [...steps].sort());
      const remembered: Remembered = new Map();
      for (let attempts = 1; ; attempts++) {
        const crashing = worker(seed + 2 + attempts, attempts);
        const crashed = (await load(config, crashing.module)) as AnyWorkflow;
        const before = new Map(remembered);
        const result = await attempt(crashed, {}, remembered).catch(() => null);
        for (let turns = 0; turns < 8; turns++) await new Promise((resolve) => setImmediate(resolve));
        for (const [name, value] of before) assert.is(remembered.get(name), value, `${name} ran again`);
        if (result === null) continue;
        assert.equal(result, state, "after crashes");
        assert.equal([...remembered].sort(), [...steps].sort());
        return;
      }
    }),
    { numRuns: 300, seed: 2026 },
  );
  assert.ok(taken > 100 && forked > 60, `only ${taken} flows were taken, ${forked} of them with a fork`);
});

test.run();
