import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { ownEnvironment } from "./own-environment.ts";
import { ROOT } from "./root.ts";

/** How a server is started. */
export interface Command {
  program: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Where the program can't choose a port by itself: it is called with one, and is up once it listens there. */
  withPort?: (port: number) => readonly string[];
}

/** A server in a process of its own. */
export interface ServerProcess {
  port: number;
  pid: number;
  /** From the spawn to the line that says where it listens. */
  startMs: number;
  /** What it said of itself, such as its SQLite. */
  about: Readonly<Record<string, string>>;
  /** Resident memory in bytes; null where this system does not say. */
  memoryBytes(): number | null;
  /** Processor time used so far, in seconds; null where this system does not say. */
  cpuSeconds(): number | null;
  /** SIGTERM; rejects where it did not end in time. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
/** USER_HZ, which Linux shows to programs as 100 on every machine. */
const TICKS_PER_SECOND = 100;

const living = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

/** Starts a server and waits until it listens. */
export async function startServer(command: Command): Promise<ServerProcess> {
  const port = command.withPort === undefined ? 0 : await freePort();
  const args = [...command.args, ...(command.withPort?.(port) ?? [])];
  const startedAt = performance.now();
  const child = spawn(command.program, args, {
    cwd: ROOT,
    env: { ...ownEnvironment(), ...command.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  living.add(child);
  let said = "";
  let faults = "";
  let end: string | null = null;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (said.length < 10_000) said += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    faults = (faults + text).slice(-4_000);
  });
  child.on("error", (error) => {
    end ??= error.message;
  });
  const closed = new Promise<void>((resolve) => {
    child.on("close", (code, signal) => {
      living.delete(child);
      end ??= signal ?? `code ${code}`;
      resolve();
    });
  });
  let ready: Record<string, string> | null = null;
  while (ready === null) {
    if (end !== null) throw new Error(`The server ended with ${end} while it started:\n${said}${faults}`);
    if (performance.now() - startedAt > START_TIMEOUT_MS) {
      child.kill("SIGKILL");
      throw new Error(`The server did not start in ${START_TIMEOUT_MS} ms:\n${said}${faults}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
    ready = port === 0 ? readyLine(said) : (await isListening(port)) ? { port: String(port) } : null;
  }
  const { port: givenPort, ...about } = ready;
  const pid = child.pid ?? 0;
  return {
    port: Number(givenPort),
    pid,
    startMs: performance.now() - startedAt,
    about,
    memoryBytes: () => memoryOf(pid),
    cpuSeconds: () => cpuOf(pid),
    async stop() {
      if (end !== null) throw new Error(`The server ended by itself with ${end}:\n${faults}`);
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
      await closed;
      clearTimeout(late);
      if (end === "SIGKILL") throw new Error(`The server did not stop in ${STOP_TIMEOUT_MS} ms:\n${faults}`);
    },
  };
}

/** The line of JSON that the bench's own servers print, or the banner of Latchhook itself. */
function readyLine(said: string): Record<string, string> | null {
  const line = /^\{"port".*\}$/m.exec(said)?.[0];
  if (line !== undefined) return JSON.parse(line) as Record<string, string>;
  const port = /listens on http:\/\/\S+:(\d+)\s/.exec(said)?.[1];
  return port === undefined ? null : { port };
}

function memoryOf(pid: number): number | null {
  try {
    const kib = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kib === undefined ? null : Number(kib) * 1_024;
  } catch {
    return null;
  }
}

function cpuOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name stands in parentheses and may hold blanks; user and system time are the 14th and 15th field.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return null;
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const settle = (isUp: boolean): void => {
      socket.destroy();
      resolve(isUp);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
