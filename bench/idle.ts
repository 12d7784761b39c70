import type { Contestant } from "./contestants.ts";
import { countIn } from "./counts.ts";
import type { ServerProcess } from "./server-process.ts";
import { ADMIN_TOKEN } from "./servers/latchhook.ts";
import { isIdleFile } from "./stored.ts";

/** Seldom enough to cost the server nothing that counts; when the last run ended is read from its own row. */
const POLL_MS = 250;

/**
 * Waits until everything that was accepted has been run.
 *
 * @returns how many seconds that was, to the next look; null where it took too long
 */
export async function untilIdle(
  contestant: Contestant,
  server: ServerProcess,
  database: string,
  patienceMs: number,
): Promise<number | null> {
  if (!contestant.isRunning) return 0;
  const startedAt = performance.now();
  while (performance.now() < startedAt + patienceMs) {
    if (await isIdle(contestant, server, database)) return (performance.now() - startedAt) / 1_000;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return null;
}

async function isIdle(contestant: Contestant, server: ServerProcess, database: string): Promise<boolean> {
  if (contestant.tables === "plainjob") {
    const { events, succeeded } = await countIn("plainjob", database);
    return events === succeeded;
  }
  try {
    return await isIdleFile(database);
  } catch {
    return isIdleByHttp(server);
  }
}

/** On a file with millions of runs each such look costs the server a walk over all of them. */
async function isIdleByHttp(server: ServerProcess): Promise<boolean> {
  for (const status of ["queued", "running"]) {
    const answer = await fetch(`http://127.0.0.1:${server.port}/runs?limit=1&status=${status}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    });
    const { items } = (await answer.json()) as { items?: readonly unknown[] };
    if (items === undefined) throw new Error(`GET /runs answered ${answer.status}`);
    if (items.length > 0) return false;
  }
  return true;
}
