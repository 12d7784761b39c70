import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SECRET } from "../deliveries.ts";
import type { Command } from "../server-process.ts";

const PROGRAM = "/usr/bin/webhook";

/** Debian's `webhook` (adnanh/webhook): verifies, answers, and starts a command; it stores nothing. */
export function debianWebhook(database: string): Command {
  const hooks = [
    {
      id: "generic",
      "execute-command": "/bin/true",
      "success-http-response-code": 202,
      "trigger-rule-mismatch-http-response-code": 401,
      "trigger-rule": {
        match: {
          type: "payload-hmac-sha256",
          secret: SECRET,
          parameter: { source: "header", name: "X-Signature" },
        },
      },
    },
  ];
  const file = join(dirname(database), "hooks.json");
  writeFileSync(file, JSON.stringify(hooks));
  const args = ["-hooks", file, "-ip", "127.0.0.1", "-urlprefix", "webhooks"];
  return { program: PROGRAM, args, withPort: (port) => ["-port", String(port)] };
}

/** Why it can't be measured; null where it can. */
export function missingDebianWebhook(): string | null {
  return existsSync(PROGRAM) ? null : "not installed; Debian has it as the package webhook";
}
