/**
 * `npm run test:crash -- --cycles 1000 --seed 7`: kills the server again and again, and prints what became of all that
 * was delivered, as JSON. It ends with 1 where a promise was broken, or where the kills missed what they have to hit.
 *
 * The seed decides what is delivered, what is commanded, and when each kill comes; how far the server is by then is for
 * the machine to decide, so a run with the same seed is much the same and not the very same. `--folder PATH` keeps the
 * database and the trail.
 */
import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { crash } from "./harness.ts";
import { isFaulty, missedHits } from "./report.ts";

const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "100" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    folder: { type: "string" },
  },
});
// The servers that live end with this process, and its exit is what ends them.
process.once("SIGINT", () => process.exit(130));

console.log(`seed ${values.seed}`);
if (values.folder !== undefined) mkdirSync(values.folder, { recursive: true });
const report = await crash({
  cycles: Number(values.cycles),
  seed: Number(values.seed),
  onProgress: (line) => console.log(line),
  ...(values.folder === undefined ? {} : { folder: values.folder }),
});
console.log(JSON.stringify(report, null, 2));
const missed = missedHits(report);
if (missed.length > 0) console.log(`no kill found under way: ${missed.join(", ")}`);
process.exitCode = isFaulty(report) || missed.length > 0 ? 1 : 0;
