import type { RouteContext } from "../../routes/context.ts";
import { route } from "../../routes/mod.ts";
import type { AcceptGivens } from "../accept/accept.ts";
import { FilterLog } from "../accept/filter-log.ts";
import { Shedding, type SheddingGivens } from "../accept/shedding.ts";
import { trigger } from "../accept/trigger.ts";
import { type Answer, toResponse } from "../answer.ts";
import { pause } from "../clock.ts";
import { Doctor, type DoctorGivens } from "../doctor/doctor.ts";
import { knownSecrets } from "../doctor/known.ts";
import type { Duration } from "../duration.ts";
import { WebhookError } from "../errors.ts";
import { AdminGate } from "../http/auth.ts";
import { BODIES_BYTES_MAX, BodyBudget, type BodyLimits } from "../http/body-budget.ts";
import { problemAnswer } from "../http/problem.ts";
import { newId } from "../ids.ts";
import type { Incoming } from "../incoming.ts";
import { LineLimit } from "../line-limit.ts";
import type { LatchhookOptions, ListenOptions } from "../options.ts";
import type { Peer } from "../peer.ts";
import type { Rate } from "../rate.ts";
import type { Storage } from "../repositories.ts";
import { Retention } from "../runner/retention.ts";
import { Runner } from "../runner/runner.ts";
import { TIMING, type Timing } from "../runner/timing.ts";
import { Waiters } from "../runner/waiters.ts";
import { Watch } from "../runner/watch.ts";
import { type Provider, resolveProviders } from "../schemes/providers.ts";
import { createStorageBackend } from "../storage/backend.ts";
import { secretHeaders } from "../verify/families.ts";
import { loadWorkflows } from "../workflows/load.ts";
import { WorkflowRegistry } from "../workflows/registry.ts";
import { parseGrace, type ResolvedOptions, resolveOptions } from "./options.ts";

/** A webhook server without a socket: hand it requests. */
export interface Latchhook {
  /** Answers a request; bound, and further arguments of the host are ignored. It starts the server on first use. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Opens the storage, loads the workflows and resumes what a crash left behind. Idempotent. */
  start(): Promise<void>;
  /** Stops gracefully; afterwards `fetch` answers 503. Idempotent. */
  stop(options?: { grace?: Duration }): Promise<void>;
  /**
   * Starts a workflow from code, whatever its `on`; resolves after the commit.
   *
   * @throws {WebhookError} `workflow_unknown`, `input_invalid`, `conflict`: the same webhookId with another input
   */
  trigger(
    workflow: string,
    input: unknown,
    options?: { webhookId?: string },
  ): Promise<{ runId: string; duplicate: boolean }>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
}

/** What the program and the tests give besides the public options. */
export interface Internals {
  timing?: Partial<Timing>;
  shedding?: Pick<SheddingGivens, "deliveriesMax" | "bytesMax">;
  bodies?: Partial<BodyLimits>;
  doctor?: Pick<DoctorGivens, "onDiagnosed">;
  /** True where nothing but try-out mode's own conditions is missing: bound to loopback, not in production. */
  mayTryOut?: boolean;
  /** A run is about to begin. */
  onRunBegins?: () => void;
  /** Another process has raised the schema: this one has stopped. */
  onOutdated?: (error: WebhookError) => void;
}

/** What an operator is told at the start. */
export interface Description {
  database: string;
  workflows: readonly string[];
  mode: "try-out" | "secured";
  modeMeans: string;
}

/** A Latchhook with the doors that only our own listener and program use. */
export interface InnerLatchhook extends Latchhook {
  /** `fetch` for a request whose peer our listener knows. */
  handle(request: Incoming, peer?: Peer): Promise<Answer>;
  /** After `start`. */
  describe(): Description;
  /** The runs awake now, as `run_id workflow`; of many some, and how many more. */
  runsAwake(): readonly string[];
}

/** What exists between start and stop. */
interface Started {
  context: RouteContext;
  storage: Storage;
  runner: Runner | null;
  waiters: Waiters;
  watch: Watch;
  retention: Retention | null;
  description: Description;
}

/**
 * The wiring: which rooms exist and who is handed to whom.
 *
 * @throws {TypeError} wrong options
 */
export function createInnerLatchhook(
  options: LatchhookOptions & Partial<ListenOptions>,
  internals: Internals = {},
): InnerLatchhook {
  const resolved = resolveOptions(options);
  const timing = { ...TIMING, ...internals.timing };
  let starting: Promise<Started> | null = null;
  let stopping: Promise<void> | null = null;
  let started: Started | null = null;
  let underWay = 0;
  let onQuiet = (): void => {};

  function startOnce(): Promise<Started> {
    if (stopping !== null) return Promise.reject(stopped());
    starting ??= open(resolved, timing, internals, () => stopping !== null, onOutdated).then(
      async (opened) => {
        started = opened; // before the first run begins, so that a standstill can name it
        await opened.runner?.start();
        opened.watch.start();
        opened.retention?.start();
        return opened;
      },
      (error: unknown) => {
        starting = null; // the next request may find the disk again
        throw error;
      },
    );
    return starting;
  }

  function onOutdated(error: WebhookError): void {
    resolved.log.error("stopping: the database was upgraded by another process", { error });
    void stop().then(() => internals.onOutdated?.(error));
  }

  /** In one function, because each promise more is one for every request. */
  async function handle(request: Incoming, peer?: Peer): Promise<Answer> {
    underWay++;
    try {
      const { context } = started ?? (await startOnce());
      return await route(request, peer, context);
    } catch (error) {
      const requestId = newId("req");
      if (stopping === null) resolved.log.error("cannot start", { request_id: requestId, error });
      return problemAnswer(error, requestId);
    } finally {
      underWay--;
      if (underWay === 0) onQuiet();
    }
  }

  async function stopOnce(graceMs: number): Promise<void> {
    const opened = await starting?.catch(() => null);
    if (!opened) return;
    const { context, storage, runner, waiters, watch, retention } = opened;
    const stoppedAt = resolved.clock.monotonic() + graceMs;
    context.doctor.stop();
    waiters.stop();
    watch.stop();
    retention?.stop();
    await runner?.stop(graceMs);
    const left = Math.max(0, stoppedAt - resolved.clock.monotonic());
    const quiet = new Promise<void>((resolve) => {
      onQuiet = resolve;
    });
    if (underWay > 0) await Promise.race([quiet, pause(resolved.clock, left)]);
    if (isOwned(resolved.storage)) await storage.close();
    resolved.log.info("stopped");
  }

  function stop({ grace }: { grace?: Duration } = {}): Promise<void> {
    stopping ??= stopOnce(grace === undefined ? resolved.graceMs : parseGrace(grace));
    return stopping;
  }

  return {
    fetch: async (request) => toResponse(await handle(request)),
    handle,
    start: async () => void (await startOnce()),
    stop,
    trigger: async (workflow, input, { webhookId } = {}) => {
      if (stopping !== null) throw stopped();
      const { context } = started ?? (await startOnce());
      return trigger(context.accept, workflow, input, webhookId);
    },
    describe: () => {
      if (started === null) throw new Error("Cannot describe a Latchhook that has not started");
      return started.description;
    },
    runsAwake: () => started?.runner?.runsAwake() ?? [],
    [Symbol.asyncDispose]: () => stop(),
  };
}

async function open(
  options: ResolvedOptions,
  timing: Timing,
  internals: Internals,
  isStopping: () => boolean,
  onOutdated: (error: WebhookError) => void,
): Promise<Started> {
  const { clock, log, random, role } = options;
  const registry = await openRegistry(options);
  const triggers = registry
    .list()
    .flatMap(({ name, workflow }) =>
      (workflow.on ?? []).map(({ provider }) => ({ workflow: name, provider })),
    );
  const { providers, warnings } = resolveProviders({
    ...options,
    triggers,
    knowsUrl: options.publicUrl !== undefined || options.trustedProxies.length > 0,
  });
  const signatureHeaders = [
    ...new Set([...providers.values()].flatMap(({ scheme }) => secretHeaders(scheme))),
  ].filter((name) => name !== "authorization"); // which stands for other things, too, and is never kept anyway
  checkKeptHeaders(options.keepHeaders, signatureHeaders);
  const storage = await openStorage(options);
  try {
    if (role !== "all" && !storage.about.isShared) {
      throw new Error(`Cannot run with ROLE=${role}: ${storage.about.notSharedBecause}; or use ROLE=all`);
    }
    const waiters = new Waiters(storage, clock);
    const onRest = (runId: string): void => waiters.notify(runId);
    const onBegin = internals.onRunBegins ?? (() => {});
    const { concurrency } = options;
    const runner =
      role === "serve"
        ? null
        : new Runner({ storage, registry, clock, random, log, concurrency, timing, onBegin, onRest });
    const isTryOut = mayTryOut(options, internals);
    const shedding = openShedding(options, internals, storage, registry, providers);
    const filterLog = new FilterLog(log, clock);
    const accept: AcceptGivens = { storage, registry, clock, slots: runner, shedding, filterLog };
    const context: RouteContext = {
      storage,
      registry,
      providers,
      accept,
      clock,
      log,
      refusalLines: new LineLimit(clock),
      doctor: new Doctor({
        clock,
        log,
        random,
        known: { providers, secrets: knownSecrets(options) },
        ...internals.doctor,
      }),
      gate: new AdminGate({ ...options, tokens: options.adminTokens, isTryOut, signatureHeaders }),
      // The largest body that is allowed has room where it is alone.
      bodies: new BodyBudget({
        bytesMax: Math.max(BODIES_BYTES_MAX, options.bodyBytesMax),
        ...internals.bodies,
      }),
      settings: {
        ...options,
        isTryOut,
        signatureHeaders,
        hasAllRoutes: role !== "work",
        holdMs: timing.holdMs,
      },
      waitForRun: (runId, ms, signal) => (waiters.hasRoom ? waiters.wait(runId, ms, signal) : null),
      onCancelled: (runId) => {
        runner?.onCancelled(runId);
        waiters.notify(runId);
      },
      isStopping,
    };
    const watch = new Watch({
      storage,
      clock,
      intervalMs: () => (role === "work" || waiters.count > 0 ? timing.watchMs : timing.watchIdleMs),
      onChange: () => {
        void runner?.onChange();
        waiters.notifyAll();
      },
      onOutdated,
    });
    const retention = role === "serve" ? null : new Retention({ ...options, storage, timing });
    for (const warning of [...warnings, ...oddities(storage)]) log.warn(warning);
    const description = describe(options, storage, registry, isTryOut);
    return { context, storage, runner, waiters, watch, retention, description };
  } catch (error) {
    if (isOwned(options.storage)) await storage.close();
    throw error;
  }
}

function openShedding(
  { clock, runsReadyMax }: ResolvedOptions,
  internals: Internals,
  storage: Storage,
  registry: WorkflowRegistry,
  providers: ReadonlyMap<string, Provider>,
): Shedding {
  const rates = new Map<string, Rate>();
  for (const { name, rate } of providers.values()) if (rate !== null) rates.set(name, rate);
  const names = registry.list().map(({ name }) => name);
  const countReady = (limit: number): Promise<number> => storage.countReady(names, limit);
  return new Shedding({ clock, rates, runsReadyMax, countReady, ...internals.shedding });
}

async function openRegistry({
  workflows,
  workflowsDir,
  isWorkflowsDirNamed,
  env,
  log,
}: ResolvedOptions): Promise<WorkflowRegistry> {
  const given = Object.entries(workflows).map(([name, workflow]) => ({ name, fileHash: null, workflow }));
  const loaded =
    workflowsDir === null
      ? []
      : await loadWorkflows(workflowsDir, { isNamed: isWorkflowsDirNamed, log, env, given: workflows });
  return new WorkflowRegistry([...given, ...loaded]);
}

/** A credential's name is known by its form; a signature's may be any that a scheme chose. */
function checkKeptHeaders(names: readonly string[], signatureHeaders: readonly string[]): void {
  const kept = names.find((name) => signatureHeaders.includes(name));
  if (kept === undefined) return;
  throw new TypeError(`Cannot keep header ${kept}: it carries a signature, and kept headers are shown`);
}

function openStorage({ storage, clock, random }: ResolvedOptions): Promise<Storage> | Storage {
  if (typeof storage === "string") return createStorageBackend(storage, { clock, random });
  return typeof storage === "function" ? storage() : storage;
}

function stopped(): WebhookError {
  return new WebhookError("stopping", "Cannot go on: it was stopped; create another Latchhook");
}

/** A storage that was handed over open is its owner's to close. */
function isOwned(storage: ResolvedOptions["storage"]): boolean {
  return typeof storage === "string" || typeof storage === "function";
}

function mayTryOut(options: ResolvedOptions, internals: Internals): boolean {
  const isBare =
    Object.keys(options.secrets).length === 0 &&
    options.adminTokens.length === 0 &&
    options.authorize === undefined &&
    options.trustedProxies.length === 0 &&
    options.publicUrl === undefined;
  return isBare && internals.mayTryOut === true;
}

function oddities({ about }: Storage): string[] {
  return about.isDurable ? [] : ["The database is in memory: a 202 does not survive this process"];
}

function describe(
  options: ResolvedOptions,
  { about }: Storage,
  registry: WorkflowRegistry,
  isTryOut: boolean,
): Description {
  const noToken =
    "admin routes answer 401; set ADMIN_TOKEN to at least 24 characters, such as from: openssl rand -base64 24";
  const unsigned = options.allowUnsigned.filter((name) => !Object.hasOwn(options.secrets, name));
  const signatures =
    unsigned.length === 0
      ? "every delivery needs its provider's signature"
      : `deliveries of ${unsigned.join(", ")} need no signature, all others their provider's`;
  const isClosed = options.adminTokens.length === 0 && options.authorize === undefined;
  return {
    database: `${about.url} (${about.engine})`,
    workflows: registry.list().map((named) => named.name),
    mode: isTryOut ? "try-out" : "secured",
    modeMeans: isTryOut
      ? "requests from this machine need no signature and no token; set WEBHOOK_SECRET_GENERIC and ADMIN_TOKEN before you put any proxy or tunnel in front"
      : `${signatures}; ${isClosed ? noToken : "admin routes need the token"}`,
  };
}
