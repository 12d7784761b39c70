import { statSync } from "node:fs";
import { Agent } from "node:http";
import { pause } from "../../fixtures/workflows/_audit.ts";
import type { SpawnOptions } from "../../support/spawn-server.ts";
import type { Ledger } from "./ledger.ts";
import { Life } from "./life.ts";
import { ask } from "./post.ts";
import type { Findings } from "./report.ts";
import { ADMIN_TOKEN, Traffic } from "./traffic.ts";

const SENDERS = 16;
const LOOK_MS = 100;
/** A run may be held for a minute; where nothing at all has happened for longer, nothing more will. */
const STALL_MS = 75_000;
/** A run that begins again and again is stuck, too; each delivery that is left has its share of time. */
const DRAIN_MAX_MS = 120_000;
const DELIVERY_MAX_MS = 50;

export interface DrainGivens {
  server: SpawnOptions;
  ledger: Ledger;
  trailPath: string;
  findings: Findings;
  mendedFolder: string;
}

/** A last life that nobody cuts short: all is delivered, every run comes to rest, and the server stops in order. */
export async function drain({
  server,
  ledger,
  trailPath,
  findings,
  mendedFolder,
}: DrainGivens): Promise<void> {
  const life = new Life(server);
  const origin = await life.listens();
  if (origin === null) return findings.fault("broken", `the last start failed: ${life.stderr}`);
  const traffic = new Traffic({ ledger, origin, senders: SENDERS, isGithubKnown: true, mendedFolder });
  const agent = new Agent({ keepAlive: true });
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const isEmpty = async (status: string): Promise<boolean> => {
    const answer = await ask(agent, origin, "GET", `/runs?status=${status}&limit=1`, headers);
    return (answer?.json?.items as unknown[] | undefined)?.length === 0;
  };
  const isQuiet = async (): Promise<boolean> =>
    ledger.left === 0 &&
    traffic.underWay.delivery.size === 0 &&
    ledger.openCares.size === 0 &&
    (await isEmpty("queued")) &&
    (await isEmpty("running"));

  const endAt = performance.now() + DRAIN_MAX_MS + ledger.left * DELIVERY_MAX_MS;
  let [size, changedAt] = [0, performance.now()];
  while (life.end === null && !(await isQuiet())) {
    const now = statSync(trailPath).size;
    if (now !== size) [size, changedAt] = [now, performance.now()];
    if (performance.now() > Math.min(endAt, changedAt + STALL_MS)) break;
    await pause(LOOK_MS);
  }
  agent.destroy();
  traffic.hold();
  if (!(await life.stop())) findings.fault("broken", `the last server did not stop in order: ${life.stderr}`);
  await traffic.stop();
}
