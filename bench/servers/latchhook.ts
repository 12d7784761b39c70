import { join } from "node:path";
import { SECRET } from "../deliveries.ts";
import { BENCH, ROOT } from "../root.ts";
import type { Runtime } from "../runtimes.ts";
import type { Command } from "../server-process.ts";

/** For the bench's own look at the runs. */
export const ADMIN_TOKEN = "the-admin-token-of-the-bench";

/** So that the runs' rate is not bounded by how many may run at once; the default is 16. */
export const CONCURRENCY = 256;

/** The real program, as a person starts it, with a database file of its own. */
export function latchhook(runtime: Runtime, database: string, role: "serve" | "all"): Command {
  return {
    program: runtime.program,
    args: [...runtime.args, join(ROOT, "mod.ts")],
    env: {
      PORT: "0",
      DATABASE_URL: `file:${database}`,
      WORKFLOWS_DIR: join(BENCH, "workflows"),
      WEBHOOK_SECRET_GENERIC: SECRET,
      ADMIN_TOKEN,
      ROLE: role,
      CONCURRENCY: String(CONCURRENCY),
      LOG_LEVEL: "warn",
      LOG_FORMAT: "json",
    },
  };
}
