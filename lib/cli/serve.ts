import type { WebhookError } from "../errors.ts";
import { messageOf } from "../errors.ts";
import { isLoopbackAddress } from "../http/forwarded.ts";
import { type Listening, listenNode } from "../listen/node.ts";
import type { Log } from "../log.ts";
import type { LatchhookOptions, ListenOptions } from "../options.ts";
import type { Handle } from "../peer.ts";
import { startWatchdog, type Watchdog, type WatchdogOptions } from "../runner/watchdog.ts";
import { settingsFromEnv } from "../settings.ts";
import { loadDotenv } from "./dotenv.ts";
import { refuseOpenBind } from "./open-bind.ts";
import { programLog } from "./program-log.ts";

/** A Latchhook as the program drives it. */
export interface Opened {
  latchhook: { start(): Promise<void>; stop(): Promise<void> };
  handle: Handle;
  /** The answer to a request that never reached the handler. */
  refuse(error: WebhookError): Response;
  /** After the start. */
  describe(): {
    database: string;
    workflows: readonly string[];
    mode: "try-out" | "secured";
    modeMeans: string;
  };
  /** Charges an uncaught error to the run whose code threw it; false where it was ours. */
  chargeStray(error: unknown): boolean;
  runsAwake(): readonly string[];
}

/** What the program is given by those who know the rooms above. */
export interface ServeDeps {
  open(options: LatchhookOptions & ListenOptions): Opened;
  /** Shorter in tests. */
  watchdog?: Omit<WatchdogOptions, "runsAwake">;
}

type Settings = LatchhookOptions & ListenOptions;

/** Exit codes of a process that a second signal ends, as a shell shows them: 128 and the signal's number. */
const SIGNAL_EXIT: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

/**
 * The program: settings, Latchhook, listener, banner, and then signals until the end. An error before the banner is one
 * line on standard error and exit code 1.
 */
export async function serve(deps: ServeDeps): Promise<void> {
  try {
    await start(deps);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(1);
  }
}

async function start(deps: ServeDeps): Promise<void> {
  loadDotenv(process.env, process.cwd());
  const settings = settingsFromEnv(process.env);
  refuseOpenBind(settings, isLoopbackHost(settings.host));
  const log = programLog({
    level: settings.logLevel,
    format: settings.logFormat ?? (process.stderr.isTTY ? "text" : "json"),
  });
  for (const warning of settings.warnings) log.warn(warning);
  const opened = deps.open({ ...settings, log });
  catchStrays(opened, log);
  await opened.latchhook.start();
  const watchdog = startWatchdog({ ...deps.watchdog, runsAwake: () => opened.runsAwake() });
  const listening = settings.port === null ? null : await listen(settings, settings.port, opened, log);
  stopOnSignal(opened, listening, watchdog, log);
  process.stdout.write(banner(settings, opened, listening));
}

async function listen({ host }: Settings, port: number, opened: Opened, log: Log): Promise<Listening> {
  try {
    return await listenNode({
      host,
      port,
      handle: opened.handle,
      refuse: (error) => opened.refuse(error),
      log,
    });
  } catch (error) {
    await opened.latchhook.stop();
    throw error;
  }
}

/** An error that nobody caught ends the attempt whose code threw it; one of our own ends the process, as it must. */
function catchStrays(opened: Opened, log: Log): void {
  const onStray = (kind: string) => (error: unknown) => {
    const isCharged = opened.chargeStray(error);
    log.error(isCharged ? `${kind} charged to its run` : kind, { error });
    if (!isCharged) process.exit(1);
  };
  process.on("uncaughtException", onStray("uncaught exception"));
  process.on("unhandledRejection", onStray("unhandled rejection"));
}

function stopOnSignal(opened: Opened, listening: Listening | null, watchdog: Watchdog, log: Log): void {
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isStopping) process.exit(SIGNAL_EXIT[signal] ?? 1);
    isStopping = true;
    log.info("stopping", { signal, runs_awake: opened.runsAwake() });
    void stop(opened, listening, watchdog).then(
      () => process.exit(0),
      (error: unknown) => {
        log.error("cannot stop cleanly", { error });
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

async function stop(opened: Opened, listening: Listening | null, watchdog: Watchdog): Promise<void> {
  const closed = listening?.close();
  await opened.latchhook.stop();
  // The grace is over: who has not read an answer by now sends again.
  listening?.closeAll();
  await closed;
  await watchdog.stop();
}

function banner(settings: Settings, opened: Opened, listening: Listening | null): string {
  const { database, workflows, mode, modeMeans } = opened.describe();
  const lines = [
    listening === null
      ? "Latchhook runs workflows and does not listen"
      : `Latchhook listens on ${urlOf(settings.host, listening.port)}`,
    `  database   ${database}`,
    `  workflows  ${workflows.length === 0 ? "none" : workflows.join(", ")}`,
    ...(settings.role === "work" ? [] : [`  mode       ${mode}: ${modeMeans}`]),
    "  restart    let a supervisor (systemd, Docker) start it again when it ends: it resumes what was under way",
  ];
  if (mode === "try-out" && listening !== null) lines.push("", "Try it:", tryLine(workflows, listening.port));
  return `${lines.join("\n")}\n`;
}

function tryLine(workflows: readonly string[], port: number): string {
  const name = workflows.includes("test") ? "test" : (workflows[0] ?? "test");
  const body = `{"workflow_name":"${name}","inputs":{"topic":"AI"}}`;
  return `curl -X POST http://localhost:${port}/webhooks/generic -H "Content-Type: application/json" -d '${body}'`;
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function isLoopbackHost(host: string): boolean {
  return host === "localhost" || isLoopbackAddress(host);
}
