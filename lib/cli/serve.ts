import type { Answer } from "../answer.ts";
import type { Duration } from "../duration.ts";
import { parseDuration } from "../duration.ts";
import { messageOf, type WebhookError } from "../errors.ts";
import { isLoopbackAddress } from "../http/forwarded.ts";
import { type Listening, listenNode } from "../listen/node.ts";
import type { Log } from "../log.ts";
import type { LatchhookOptions, ListenOptions } from "../options.ts";
import type { Handle } from "../peer.ts";
import { startWatchdog, type Watchdog, type WatchdogOptions } from "../runner/watchdog.ts";
import { settingsFromEnv } from "../settings.ts";
import { banner, type Description } from "./banner.ts";
import { loadDotenv } from "./dotenv.ts";
import { isLoopbackHost, refuseOpenBind } from "./open-bind.ts";
import { escapeControls, programLog } from "./program-log.ts";

/** What the program is given by the wiring, which alone knows how a Latchhook is made. */
export interface ServeDeps {
  /** Makes a Latchhook, without opening anything yet. */
  open(options: LatchhookOptions & ListenOptions, hooks: Hooks): Opened;
  /** Other times than the watchdog's own. */
  watchdog?: Pick<WatchdogOptions, "standstillMs" | "tickMs">;
}

/** What the program wants to be told. */
export interface Hooks {
  onRunBegins(): void;
}

/** A Latchhook with the doors that only the program uses. */
export interface Opened {
  latchhook: {
    start(): Promise<void>;
    stop(options?: { grace?: Duration }): Promise<void>;
  };
  handle: Handle;
  refuse(error: WebhookError): Answer;
  /** After `start`. */
  describe(): Description;
  /** False where the error came from no run, so that it is our own. */
  chargeStray(error: unknown): boolean;
  runsAwake(): readonly string[];
}

/** What has started and has to be stopped. */
interface Started {
  opened: Opened;
  log: Log;
  graceMs: number;
  /** null: it does not listen. */
  listening: Listening | null;
  watchdog: Watchdog | null;
}

/** A stop that goes wrong must not wait for a supervisor's kill: Docker's comes 10 s after its signal. */
const LATE_MS = 1_000;
/** `tsx` passes a Ctrl-C on that the terminal has given to both of us, 30 ms later. */
const ECHO_MS = 100;

/**
 * The program: settings, Latchhook, listener, banner; then it serves until a signal ends it. Never resolves before the
 * process ends. Exits with 0 after a stop in order, 1 when it could not start or met a fault of its own, 130 or 143 at
 * a second signal.
 */
export async function serve(deps: ServeDeps): Promise<void> {
  process.stdout.on("error", () => {}); // a reader that went away (`| head`) is no reason to end
  const stopAsked = stopSignal();
  let started: Started;
  try {
    started = await start(deps);
  } catch (error) {
    exitWithFault(error);
  }
  // Signal handlers keep no process alive, and where nothing listens and nothing runs nothing else does.
  const hold = setInterval(() => {}, 60_000);
  const signal = await stopAsked;
  started.log.info("stopping", { signal, grace_ms: started.graceMs });
  const isClean = await stop(started);
  clearInterval(hold);
  process.exit(isClean ? 0 : 1);
}

async function start(deps: ServeDeps): Promise<Started> {
  loadDotenv(process.env, process.cwd());
  const settings = settingsFromEnv(process.env);
  const { host, port, logLevel: level, logFormat, logSample: sample } = settings;
  const format = logFormat ?? (process.stderr.isTTY ? "text" : "json");
  const log = programLog({ level, format, sample });
  refuseOpenBind(settings);
  for (const warning of settings.warnings) log.warn(warning);

  let watchdog: Watchdog | null = null;
  const opened = deps.open({ ...settings, log }, { onRunBegins: () => watchdog?.look() });
  chargeStrays(opened, log);
  if (!isDebugged()) watchdog = startWatchdog({ ...deps.watchdog, runsAwake: opened.runsAwake });
  await opened.latchhook.start();
  try {
    const { handle, refuse } = opened;
    const listening = port === null ? null : await listenNode({ host, port, handle, refuse, log });
    if (listening !== null) checkBound(host, listening);
    process.stdout.write(banner(opened.describe(), listening));
    return { opened, log, graceMs: parseDuration(settings.shutdownGrace ?? "8s"), listening, watchdog };
  } catch (error) {
    await opened.latchhook.stop({ grace: 0 }).catch(() => {}); // the first error is the one to tell
    throw error;
  }
}

/** `localhost` was taken for this machine alone, which is for the resolver to say. */
function checkBound(host: string, { address }: Listening): void {
  if (!isLoopbackHost(host) || isLoopbackAddress(address)) return;
  throw new Error(`Cannot listen on HOST=${host}: here it means ${address}; set HOST=127.0.0.1`);
}

/** A breakpoint makes the event loop stand still, too. */
function isDebugged(): boolean {
  return process.execArgv.some((argument) => argument.startsWith("--inspect"));
}

/** @returns false where it took longer than it may */
async function stop({ opened, log, graceMs, listening, watchdog }: Started): Promise<boolean> {
  // First no new connections; what is under way is finished by both together.
  const closed = listening?.close();
  const stopped = opened.latchhook.stop({ grace: graceMs });
  const cut = setTimeout(() => listening?.closeAll(), graceMs);
  const late = new Promise<false>((resolve) => setTimeout(resolve, graceMs + LATE_MS, false));
  try {
    const isClean = await Promise.race([Promise.all([closed, stopped]).then(() => true), late]);
    if (!isClean) log.error("stop took too long; what was running is resumed at the next start");
    return isClean;
  } catch (error) {
    log.error("stop failed", { error });
    return false;
  } finally {
    clearTimeout(cut);
    await watchdog?.stop();
  }
}

/** Resolves at the first signal; a second one exits at once. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first: { name: string; at: number } | null = null;
    for (const name of ["SIGINT", "SIGTERM"] as const) {
      process.on(name, () => {
        if (first === null) {
          first = { name, at: performance.now() };
          resolve(name);
          return;
        }
        const isEcho = first.name === name && performance.now() - first.at < ECHO_MS;
        if (!isEcho) process.exit(name === "SIGINT" ? 130 : 143);
      });
    }
  });
}

/** What nobody catches ends the attempt that it came from; where it came from none, our own state is in doubt. */
function chargeStrays(opened: Opened, log: Log): void {
  const charge = (error: unknown): void => {
    let isCharged = false;
    try {
      isCharged = opened.chargeStray(error);
    } catch (second) {
      log.error("cannot charge a stray error", { error: second });
    }
    if (isCharged) return;
    const stack = error instanceof Error ? error.stack : undefined;
    log.error("ending: an error that nobody caught", { error, stack });
    process.exit(1);
  };
  process.on("uncaughtException", charge);
  process.on("unhandledRejection", charge);
}

/** The line or lines that say what to change, without a stack. */
function exitWithFault(error: unknown): never {
  const lines = messageOf(error).split("\n").map(escapeControls);
  process.stderr.write(`${lines.join("\n")}\n`);
  process.exit(1);
}
