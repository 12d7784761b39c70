/**
 * The program with short times, for tests that kill it: the same wiring as `mod.ts`, and times that no setting gives.
 * `TEST_TIMING`, a JSON object, changes some of them; nothing else reads it.
 */
import { serve } from "../../lib/cli/serve.ts";
import { openProgram } from "../../lib/wiring/program.ts";
import type { ChildTiming } from "./spawn-server.ts";

/** A busy machine may keep a process from its beats for a while, so death by silence takes longer than a few beats. */
const SHORT: Partial<ChildTiming> = {
  beatMs: 100,
  lookMs: 100,
  looksUntilDeath: 50,
  leaseMs: 400,
  watchMs: 20,
  watchIdleMs: 50,
  drainMs: 1_000,
  holdMs: 2_000,
  tickMs: 100,
  retryStorageMs: 20,
  standstillMs: 20_000,
};

const { standstillMs, ...timing } = {
  ...SHORT,
  ...(JSON.parse(process.env.TEST_TIMING ?? "{}") as Partial<ChildTiming>),
};

// As in `mod.ts` nothing is awaited here: workflow files import the library while it starts.
void serve({
  open: (options, hooks) => openProgram(options, { timing, ...hooks }),
  watchdog: { tickMs: 100, ...(standstillMs === undefined ? {} : { standstillMs }) },
});
