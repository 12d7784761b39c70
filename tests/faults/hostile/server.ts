/**
 * The program with what no setting gives: short times of the listener (`TEST_LIMITS`, a JSON object), and a scheme
 * whose id is a header that the signature does not cover. Everything else is what `mod.ts` is made of.
 */
import { programLog } from "../../../lib/cli/program-log.ts";
import { type ListenLimits, listenNode } from "../../../lib/listen/node.ts";
import type { Scheme } from "../../../lib/scheme.ts";
import { settingsFromEnv } from "../../../lib/settings.ts";
import { openProgram } from "../../../lib/wiring/program.ts";

const hub: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-hub-signature-256", prefix: "sha256=", encoding: "hex" },
  id: { header: "x-hub-delivery" },
  type: { header: "x-hub-event" },
};

const limits = JSON.parse(process.env.TEST_LIMITS ?? "{}") as Partial<ListenLimits>;
// The environment knows no provider of this name, so its secret comes another way.
const { secrets, ...settings } = settingsFromEnv(process.env);
const log = programLog({ level: "info", format: "json" });
const withHub = { ...secrets, ...(process.env.TEST_HUB_SECRET ? { hub: process.env.TEST_HUB_SECRET } : {}) };

// As in `mod.ts` nothing is awaited here: workflow files import the library while it starts.
async function main(): Promise<void> {
  const opened = openProgram({ ...settings, secrets: withHub, schemes: { ...settings.schemes, hub }, log });
  await opened.latchhook.start();
  const { handle, refuse } = opened;
  const { port } = await listenNode({ host: "127.0.0.1", port: 0, handle, refuse, log, limits });
  process.stdout.write(`listens on http://127.0.0.1:${port}\n`);
}

void main();
