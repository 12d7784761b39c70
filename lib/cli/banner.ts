import { isLoopbackAddress } from "../http/forwarded.ts";
import { escapeControls } from "./program-log.ts";

/** What a person wants to know of a server that has started. */
export interface Description {
  /** Such as `file:latchhook.db`. */
  database: string;
  workflows: readonly string[];
  mode: "try-out" | "secured";
  /** Who has to show what, in one line. */
  modeMeans: string;
}

/** More names would hide the rest of it; `GET /workflows` has them all. */
const WORKFLOWS_MAX = 20;

/** What the program prints when it has started, in try-out mode with a line that makes a first run. */
export function banner(
  { database, workflows, mode, modeMeans }: Description,
  at: { address: string; port: number } | null,
): string {
  const names = workflows.slice(0, WORKFLOWS_MAX).join(", ");
  const more = workflows.length > WORKFLOWS_MAX ? ` and ${workflows.length - WORKFLOWS_MAX} more` : "";
  const lines = [
    at === null
      ? "Latchhook runs workflows and does not listen (ROLE=work without PORT)"
      : `Latchhook listens on http://${hostOf(at.address)}:${at.port}`,
    `  database   ${database}`,
    `  workflows  ${names === "" ? "none" : names + more}`,
    ...(at === null ? [] : [`  mode       ${mode}: ${modeMeans}`]),
    "  restart    left to a supervisor (systemd, Docker): when this process ends, the next one resumes its runs",
  ];
  const [first] = workflows;
  if (at !== null && mode === "try-out" && first !== undefined) {
    // The workflow that a fresh copy comes with, and what it takes; of any other the inputs are its own.
    const body = workflows.includes("test")
      ? { workflow_name: "test", inputs: { topic: "AI" } }
      : { workflow_name: first, inputs: {} };
    lines.push(
      "Try it:",
      `  curl -X POST http://${nearHostOf(at.address)}:${at.port}/webhooks/generic -H "Content-Type: application/json" -d '${JSON.stringify(body)}'`,
    );
  }
  return `${lines.map(escapeControls).join("\n")}\n`;
}

function hostOf(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}

/** `localhost` is any of the two usual addresses; curl tries both. */
function nearHostOf(address: string): string {
  const isUsual = address === "127.0.0.1" || address === "::1" || !isLoopbackAddress(address);
  return isUsual ? "localhost" : hostOf(address);
}
