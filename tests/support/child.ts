import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How a child process ended. */
export interface ChildEnd {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a TypeScript file in a process of its own, on the runtime that we are on, to its end. */
export function runChild(file: URL, args: readonly string[]): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...runtimeArgs(), fileURLToPath(file), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const end: ChildEnd = { code: null, stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => {
      end.stdout += chunk;
    });
    child.stderr.on("data", (chunk: Buffer) => {
      end.stderr += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ ...end, code }));
  });
}

function runtimeArgs(): string[] {
  if (process.versions.deno !== undefined) return ["run", "-A", "--no-lock"];
  const isStripping = process.versions.bun !== undefined || Boolean(process.features.typescript);
  return isStripping ? [] : ["--import", "tsx"];
}
