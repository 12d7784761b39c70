import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { SCHEMA_VERSION } from "../../../lib/storage/sqlite/schema.ts";
import { pause } from "../../fixtures/workflows/_audit.ts";
import { writeSchema3 } from "../../support/schema-3.ts";
import { PROGRAM, type SpawnOptions } from "../../support/spawn-server.ts";
import { StoredFile } from "../../support/stored.ts";
import { deliver } from "./deliver.ts";
import { Ledger } from "./ledger.ts";
import { Life } from "./life.ts";
import type { Looker } from "./look.ts";
import type { CyclePlan } from "./plan.ts";
import type { Findings } from "./report.ts";

/** What builds before the first release wrote last; no way leads from it, so it is refused and stays as it was. */
const OLD_VERSION = 2;
/** What the first release wrote, and every release since raises. */
const FIRST_RELEASE = 3;
/** A start takes about so long, in milliseconds. */
const START_MS = 700;

export interface SchemaGivens {
  folder: string;
  cycle: number;
  plan: CyclePlan;
  looker: Looker;
  findings: Findings;
  env: Readonly<Record<string, string>>;
}

/**
 * Kills a server that raises the schema of a file of its own: a new file, one of the first release, or one that it has
 * to refuse.
 */
export async function schemaCycle(givens: SchemaGivens): Promise<void> {
  if (!givens.plan.random.chance(0.6)) await killRefusing(givens);
  else if (givens.plan.random.chance(0.5)) await killRaising(givens, 0);
  else await killRaising(givens, FIRST_RELEASE);
}

/** @param from the version that the file has before; 0 for a new one */
async function killRaising(
  { folder, cycle, plan, looker, findings, env }: SchemaGivens,
  from: 0 | typeof FIRST_RELEASE,
): Promise<void> {
  const path = join(folder, `raised-${cycle}.db`);
  const seen = (): { version: number; tables: number; events: number } =>
    looker.read(path, (rows) => {
      const tables = rows("SELECT name FROM sqlite_schema WHERE type = 'table'").map(({ name }) => name);
      const hasEvents = tables.includes("webhook_events");
      return {
        version: Number(rows("PRAGMA user_version")[0]?.user_version),
        tables: tables.length,
        events: hasEvents ? rows("SELECT id FROM webhook_events").length : 0,
      };
    });
  if (from !== 0) writeSchema3(new StoredFile(folder), path);
  const before = from === 0 ? { version: 0, tables: 0, events: 0 } : seen();
  const options: SpawnOptions = { file: PROGRAM, env: { ...env, DATABASE_URL: `file:${path}` } };
  const first = new Life(options);
  // SQLite opens a new file just after it was made, and the log of an old one just before it raises it.
  const sign = from === 0 ? path : `${path}-wal`;
  while (!existsSync(sign) && first.end === null) await pause(1);
  await pause(plan.delayMs);
  await first.kill();
  findings.kills++;
  const made = seen();
  findings.hit(from === 0 ? "schema" : "upgrade", made.version === from);
  const isWhole =
    made.version === from
      ? JSON.stringify(made) === JSON.stringify(before)
      : made.version === SCHEMA_VERSION && made.events === before.events;
  if (!isWhole) findings.fault("broken", `a kill left a schema half-made: ${JSON.stringify(made)}`);

  const next = new Life(options);
  const origin = await next.listens();
  const ledger = new Ledger(join(folder, "raised.jsonl"));
  ledger.add({
    id: `raised-${cycle}`,
    provider: "generic",
    journey: { steps: [1], sleepMs: null, failures: 0, isBroken: false },
    care: "none",
    careAfterMs: 0,
    copies: 1,
  });
  const entry = ledger.take(() => true);
  const agent = new Agent();
  const answer = origin === null || entry === null ? null : await deliver(agent, origin, entry);
  agent.destroy();
  await next.kill();
  findings.kills++;
  const stored = looker.read(path, (rows) => rows("SELECT webhook_id FROM webhook_events").length);
  if (answer?.status !== 202 || stored !== before.events + 1)
    findings.fault("broken", `after a kill while the schema was raised: ${answer?.status} ${next.stderr}`);
}

async function killRefusing({ folder, cycle, plan, findings, env }: SchemaGivens): Promise<void> {
  const path = join(folder, `old-${cycle}.db`);
  const source = join(folder, "test.db");
  if (!existsSync(source)) return;
  for (const suffix of ["", "-wal"])
    if (existsSync(source + suffix)) copyFileSync(source + suffix, path + suffix);
  const db = new StoredFile(folder).connect(path);
  db.exec(`PRAGMA user_version = ${OLD_VERSION}`);
  db.close();
  const before = readFileSync(path);
  const life = new Life({ file: PROGRAM, env: { ...env, DATABASE_URL: `file:${path}` } });
  await pause(plan.random.next() * START_MS);
  const wasAlive = await life.kill();
  findings.kills++;
  findings.hit("oldSchema", wasAlive);
  if (!wasAlive && !/before the first release/.test(life.stderr))
    findings.fault("broken", `a file of version ${OLD_VERSION} was not refused: ${life.stderr}`);
  if (!readFileSync(path).equals(before) || life.origin !== null)
    findings.fault("broken", `a file of version ${OLD_VERSION} did not stay as it was`);
}
