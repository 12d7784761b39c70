import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseFlow } from "../../lib/flows/parse.ts";
import { flowHost } from "../support/flow-host.ts";
import { flowText, nodesInRow } from "../support/flow-text.ts";

const test = suite<{ largestMs: number }>("flows/twined");
test.before(async (t) => {
  t.largestMs = await timed(() => parseFlow(largest, "x.yaml", flowHost()));
});

/** A sound flow as large as one may be; what is hostile takes no more than some of these. */
const largest = flowText(nodesInRow(1_000));
const times = (count: number, part: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => part(index)).join("");
const set = (fields: string): string => `[{ id: a, set: { ${fields} } }]`;
const routes = (count: number, logic: string): string =>
  `[{ from: START, routes: [${times(count, () => `{ condition: { logic: ${logic} }, to: a }, `)}{ condition: { logic: default }, to: END }] }, { from: a, to: END }]`;
const forkOf = (count: number, write: (index: number) => string): { nodes: string; edges: string } => ({
  nodes: `[${times(count, (index) => `{ id: b${index}, set: { ${write(index)} } }, `)}]`,
  edges: `[{ from: START, to: [${times(count, (index) => `b${index}, `)}] }, ${times(count, (index) => `{ from: b${index}, to: END }, `)}]`,
});

/** As wrong, as deep or as twined as 1 MiB can be. Each has one message of a size that people read. */
const twined: readonly [what: string, text: string, message: RegExp][] = [
  ["a list mark in each of 500,000 lines", "-\n".repeat(500_000), /more than 250000 words and signs/],
  ["150,000 tabs", `a:\n${"\tb: 1\n".repeat(150_000)}`, /more than 250000 words and signs/],
  ["450,000 lists beside each other", "[]".repeat(450_000), /more than 250000 words and signs/],
  [
    "a big part that 90 aliases use",
    `big: &b { ${times(10_000, (index) => `k${index}: 1, `)} }\n${flowText({ nodes: `[${"*b, ".repeat(90)}]` })}`,
    /x\.yaml:1:1: Cannot read a flow of more than 30000 keys and items: split it/,
  ],
  [
    "25,000 unknown keys",
    flowText({ more: times(25_000, (index) => `key${index}: 1\n`) }),
    /x\.yaml:6:1: Cannot use "key0" in the flow: .*[\s\S]*x\.yaml:206:1: Cannot list 24800 further faults: mend these first$/,
  ],
  [
    "25,000 lists for nodes",
    flowText({ nodes: `[${"[],".repeat(25_000)}]` }),
    /Cannot list \d+ further faults/,
  ],
  [
    "25,000 numbers for edges",
    flowText({ edges: `[${"1,".repeat(25_000)}]` }),
    /Cannot list 24800 further faults/,
  ],
  [
    "12,000 fields of unknown types",
    flowText({ fields: times(12_000, (index) => `, f${index}: { type: x }`) }),
    /Cannot use "x" as type of field "f0"/,
  ],
  [
    "as many unknown fields written as there are known ones",
    flowText({
      fields: times(7_000, (index) => `, f${index}: { type: x }`),
      nodes: set(times(14_000, (index) => `g${index}: 1, `)),
    }),
    /Cannot list \d+ further faults/,
  ],
  [
    "200,000 wrong lookups in one text",
    flowText({ nodes: set(`text: "${"{zz}".repeat(200_000)}"`) }),
    /Cannot read \{zz\}: state\.fields has no "zz"/,
  ],
  [
    "a condition of quotes that never close",
    flowText({ edges: routes(1, `'${'\\"'.repeat(400_000)}'`) }),
    /it has 800000 characters, and at most 4096 can be used/,
  ],
  [
    "two ids of 300,000 letters that are not the same",
    flowText({
      nodes: `[{ id: ${"a".repeat(300_000)}, set: { n: 1 } }]`,
      edges: `[{ from: START, to: ${"b".repeat(300_000)} }]`,
    }),
    /Cannot follow the edge to "b{56}\.\.\.: known are a{128}\.\.\., END/,
  ],
  [
    "900 branches that write one field",
    flowText(forkOf(900, () => "n: 1")),
    /Cannot write "n" in nodes "b0" and "b1"/,
  ],
  [
    "400 branches that read what the others write",
    flowText({
      fields: times(50, (index) => `, f${index}: { type: int }`),
      ...forkOf(400, () => times(50, (index) => `f${index}: "{f${(index + 1) % 50}}", `)),
    }),
    /Cannot write "f0" in nodes "b0" and "b1"/,
  ],
  [
    "a URL of 800,000 slashes",
    flowText({ nodes: `[{ id: a, http: { url: "https://x.example${"/".repeat(800_000)}" } }]` }),
    /give at most 8192 characters/,
  ],
  [
    "a function in 400,000 folders",
    flowText({ nodes: `[{ id: a, run: "${"a/".repeat(400_000)}" }]` }),
    /as nodes\[0\]\.run: give a file/,
  ],
  [
    "80,000 types in each other",
    flowText({ fields: `, d: { type: "${"dict[str, ".repeat(80_000)}" }` }),
    /as type of field "d"/,
  ],
  [
    "a default with 25,000 wrong items",
    flowText({ fields: `, d: { type: "list[str]", default: [${"1,".repeat(25_000)}] }` }),
    /as default of field "d"\/0: expected str/,
  ],
  [
    "25,000 variables",
    flowText({ more: `env: [${times(25_000, (index) => `V${index}, `)}]` }),
    /Cannot use V0: it is not set/,
  ],
];
const CHARACTERS_MAX = 60_000;
for (const [what, text, message] of twined) {
  test(`${what}: refused in few words, in some of the time that the largest flow takes`, async ({
    largestMs,
  }) => {
    assert.ok(text.length < 1_048_576);
    let told = "";
    const tookMs = await timed(() =>
      parseFlow(text, "x.yaml", flowHost()).catch((error: Error) => {
        told = error.message;
      }),
    );
    assert.match(told, message);
    assert.ok(told.length < CHARACTERS_MAX, `${told.length} characters`);
    assert.ok(tookMs < 4_000 + 10 * largestMs, `took ${tookMs} ms, the largest ${largestMs} ms`);
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

test.run();
