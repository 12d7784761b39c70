import { type ChildProcess, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Timing } from "../../lib/runner/timing.ts";
import type { RunView } from "./open-latchhook.ts";
import { StoredFile } from "./stored.ts";
import { until } from "./until.ts";

/** The program itself, as a person starts it. */
export const PROGRAM: URL = new URL("../../mod.ts", import.meta.url);
/** The same wiring with short times. */
export const CHILD_SERVER: URL = new URL("child-server.ts", import.meta.url);
/** The workflows that children run. */
export const WORKFLOWS: string = fileURLToPath(new URL("../fixtures/workflows", import.meta.url));

/** A start takes a second or two here, and much longer on a machine that is busy. */
const START_TIMEOUT_MS = 20_000;
const END_TIMEOUT_MS = 15_000;

/** The times of a child; the runner's, and how long its event loop may stand still. */
export interface ChildTiming extends Timing {
  standstillMs: number;
}

/** What a server process is started with. */
export interface SpawnOptions {
  /** Default `CHILD_SERVER`. */
  file?: URL;
  /** Behind the file. */
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** A command that starts it, such as one that sets a limit first; it is given the server's own command line. */
  through?: readonly string[];
  /** Another user's, where the tests run as root. */
  uid?: number;
  /** Of `CHILD_SERVER` only. */
  timing?: Partial<ChildTiming>;
}

/** How a process ended. */
export interface ServerEnd {
  code: number | null;
  signal: string | null;
}

/** A server in a process of its own. */
export interface SpawnedServer {
  readonly pid: number;
  /** `http://127.0.0.1:PORT`; empty where it does not listen. */
  readonly origin: string;
  /** All that it has said so far. */
  readonly said: { stdout: string; stderr: string };
  /** null while it lives. */
  readonly end: ServerEnd | null;
  kill(signal: NodeJS.Signals): void;
  /** Waits for its end. */
  ended(): Promise<ServerEnd>;
  /** Delivers; rejects where no answer came. */
  deliver(
    workflowName: string,
    options?: { inputs?: unknown; webhookId?: string; headers?: Record<string, string> },
  ): Promise<{ status: number; json: Record<string, unknown> }>;
  /** Delivers what has to be accepted, and gives the run's id. */
  start(workflowName: string, inputs?: unknown): Promise<string>;
  /** A request to any path; its answer parsed. */
  ask(method: string, path: string): Promise<{ status: number; json: Record<string, unknown> }>;
  run(runId: string): Promise<RunView>;
  /** Waits until the run has the status. */
  reaches(runId: string, status: string): Promise<RunView>;
}

const living = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

/** A process on the runtime that the tests run on, and what it has said; it may end by itself. */
export function spawnProgram({
  file = CHILD_SERVER,
  args = [],
  env = {},
  cwd,
  through = [],
  uid,
  timing,
}: SpawnOptions = {}): {
  child: ChildProcess;
  said: { stdout: string; stderr: string };
  end: () => ServerEnd | null;
  ended: () => Promise<ServerEnd>;
} {
  const short = timing === undefined ? {} : { TEST_TIMING: JSON.stringify(timing) };
  const line = [...through, process.execPath, ...runtimeArgs(), fileURLToPath(file), ...args];
  const child = spawn(line[0] ?? "", line.slice(1), {
    cwd: cwd ?? fileURLToPath(new URL("../..", import.meta.url)),
    env: { ...ownEnvironment(), ...short, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    ...(uid === undefined ? {} : { uid }),
  });
  living.add(child);
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
    });
  }
  let end: ServerEnd | null = null;
  let isClosed = false;
  child.on("error", (error) => {
    said.stderr += error.message;
    end ??= { code: null, signal: null };
    isClosed = true;
  });
  child.on("exit", (code, signal) => {
    end ??= { code, signal };
    living.delete(child);
  });
  child.on("close", () => {
    isClosed = true;
  });
  return {
    child,
    said,
    end: () => end,
    ended: async () => {
      // Until the close, not the exit alone: what it said last is still on its way then.
      await until(() => isClosed, `the end of process ${child.pid}; it said\n${said.stderr}`, END_TIMEOUT_MS);
      return end ?? { code: null, signal: null };
    },
  };
}

/** Starts a server and waits until it says that it listens, or, where it does not, that it runs. */
export async function spawnServer(options: SpawnOptions = {}): Promise<SpawnedServer> {
  const { child, said, end, ended } = spawnProgram({
    ...options,
    env: { PORT: "0", LOG_FORMAT: "json", ...options.env },
  });
  const isStarted = (): boolean => BANNER.test(said.stdout);
  await until(() => isStarted() || end() !== null, `the start of ${child.pid}`, START_TIMEOUT_MS);
  if (!isStarted()) throw new Error(`The server ended at its start:\n${said.stdout}${said.stderr}`);
  const port = /http:\/\/[^\s/]+:(\d+)/.exec(said.stdout)?.[1];
  const origin = port === undefined ? "" : `http://127.0.0.1:${port}`;

  const ask: SpawnedServer["ask"] = async (method, path) => {
    const response = await fetch(`${origin}${path}`, { method });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  };
  const deliver: SpawnedServer["deliver"] = async (
    workflowName,
    { inputs = {}, webhookId, headers } = {},
  ) => {
    const response = await fetch(`${origin}/webhooks/generic`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify({
        workflow_name: workflowName,
        inputs,
        ...(webhookId === undefined ? {} : { webhook_id: webhookId }),
      }),
    });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  };
  const run: SpawnedServer["run"] = async (runId) => {
    const { status, json } = await ask("GET", `/runs/${runId}`);
    if (status !== 200) throw new Error(`GET /runs/${runId} answered ${status} ${JSON.stringify(json)}`);
    return json as unknown as RunView;
  };
  return {
    pid: child.pid ?? 0,
    origin,
    said,
    get end() {
      return end();
    },
    // Not child.kill(): after it Deno reports the signal as the end, whatever the exit code was.
    kill: (signal) => void process.kill(child.pid ?? 0, signal),
    ended,
    deliver,
    async start(workflowName, inputs = {}) {
      const { status, json } = await deliver(workflowName, { inputs });
      if (status !== 202) throw new Error(`${workflowName} was answered ${status} ${JSON.stringify(json)}`);
      return String(json.run_id);
    },
    ask,
    run,
    async reaches(runId, status) {
      let view: RunView | undefined;
      await until(
        async () => {
          view = await run(runId);
          return view.status === status;
        },
        () => `run ${runId} to be ${status}; it is ${JSON.stringify(view)}`,
        20_000,
      );
      return view as unknown as RunView;
    },
  };
}

/** Ends a server as a power switch does, and waits until it is gone. */
export async function killed(server: SpawnedServer): Promise<void> {
  server.kill("SIGKILL");
  await server.ended();
}

/** Stops a server in order; fails where it does not end with 0. */
export async function stopped(server: SpawnedServer): Promise<void> {
  server.kill("SIGTERM");
  const { code, signal } = await server.ended();
  if (code !== 0) throw new Error(`After SIGTERM it ended with ${code ?? signal}:\n${server.said.stderr}`);
}

/** A database, an audit and gates in a folder of their own, and the servers that a test starts on them. */
export class Stage {
  readonly file: StoredFile;
  readonly auditPath: string;
  readonly #servers: SpawnedServer[] = [];
  #gates = 0;

  constructor(file: StoredFile) {
    this.file = file;
    this.auditPath = join(file.folder, "audit.jsonl");
  }

  static async make(): Promise<Stage> {
    return new Stage(await StoredFile.make());
  }

  /** What a server on this database is told. */
  get env(): Record<string, string> {
    return { DATABASE_URL: this.file.url, WORKFLOWS_DIR: WORKFLOWS, AUDIT_FILE: this.auditPath };
  }

  async server(options: SpawnOptions = {}): Promise<SpawnedServer> {
    const server = await spawnServer({ ...options, env: { ...this.env, ...options.env } });
    this.#servers.push(server);
    return server;
  }

  /** Freezes a server between two writes: one that sleeps with the database's lock keeps every other out for good. */
  freeze(server: SpawnedServer): Promise<void> {
    return until(() => {
      server.kill("SIGSTOP");
      if (this.file.isFree()) return true;
      server.kill("SIGCONT");
      return false;
    }, `process ${server.pid} to be without the lock`);
  }

  /** The path of a file that is not there yet. */
  gate(): string {
    return join(this.file.folder, `gate-${++this.#gates}`);
  }

  /** Lets the workflows go on that wait at a gate. */
  openGate(gate: string): Promise<void> {
    return writeFile(gate, "");
  }

  /** Ends what is left, by pid. */
  async end(): Promise<void> {
    for (const server of this.#servers) {
      if (server.end !== null) continue;
      server.kill("SIGKILL"); // ends a frozen one, too
      await server.ended();
    }
  }

  /** Ends what is left and removes the folder. */
  async close(): Promise<void> {
    await this.end();
    await this.file.close();
  }
}

const BANNER = /\bhttp:\/\/\S+:\d+|\bruns\b/;

function runtimeArgs(): string[] {
  if (process.versions.deno !== undefined) return ["run", "-A", "--no-lock"];
  const isStripping = process.versions.bun !== undefined || Boolean(process.features.typescript);
  if (isStripping) return [];
  // By its path: a server may be started in any folder.
  return ["--import", pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href];
}

/** The environment without what would set up the server that is tried. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const ours =
    /^(HOST|PORT|DATABASE_URL|WORKFLOWS_DIR|WEBHOOK_.*|ADMIN_TOKEN.*|TRUST_PROXY|ROLE|CONCURRENCY|SHUTDOWN_GRACE|MAX_BODY_BYTES|.*RETENTION_DAYS|LOG_.*|NODE_ENV|AUDIT_FILE|TEST_TIMING)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}
