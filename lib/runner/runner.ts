import { type Clock, nextTurn, pause, TIMER_MAX_MS, type Timer } from "../clock.ts";
import type { Log } from "../log.ts";
import type { AttemptKey, ClaimedRun, RunClaim, Storage } from "../repositories.ts";
import { isAtRest } from "../run.ts";
import type { NamedWorkflow, RetryPolicy } from "../workflow.ts";
import type { WorkflowRegistry } from "../workflows/registry.ts";
import { Attempt } from "./attempt.ts";
import { endingOf } from "./ending.ts";
import { Lease } from "./lease.ts";
import { Persist } from "./persist.ts";
import { Recovery } from "./recovery.ts";
import { RunSlots } from "./slots.ts";
import { Standstill } from "./standstill.ts";
import type { Timing } from "./timing.ts";

/** Before the end of a graceful stop: attempts are aborted then, and this long is left to store and to close. */
const ABORT_BEFORE_END_MS = 2_000;

/** Of that, how long aborted attempts may take to settle. */
const STOP_DRAIN_MS = 1_000;

/** The backoff of a lost run whose workflow is missing here. */
const DEFAULT_POLICY: RetryPolicy = { attempts: 10, minDelayMs: 2_000, maxDelayMs: 600_000 };

/** How often a stop looks whether what was being stored has been. */
const ARRIVAL_LOOK_MS = 5;

export interface RunnerGivens {
  storage: Storage;
  registry: WorkflowRegistry;
  clock: Clock;
  random: () => number;
  log: Log;
  /** Runs at once in this process. */
  concurrency: number;
  timing: Timing;
  /** Runs are about to begin here. */
  onBegin: () => void;
  /** A run came to rest here. */
  onRest: (runId: string) => void;
}

interface Active {
  attempt: Attempt;
  /** Monotonic, before the command was sent that gave it to us: what is asked later knows of it. */
  claimedAt: number;
  done: Promise<void>;
}

/** Stored with a slot, and not begun yet. */
interface Arrived {
  run: ClaimedRun;
  /** As `claimedAt`. */
  takenAt: number;
  /** A beat has told so, or it was cancelled: what begins of it ends before its first line. */
  isLost: boolean;
}

/** Claims stored runs, hands them out to attempts, and stores how those ended. Woken by accepts, not by a poll. */
export class Runner {
  readonly #givens: RunnerGivens;
  readonly #persist: Persist;
  readonly #lease: Lease;
  readonly #recovery: Recovery;
  readonly #standstill: Standstill;
  readonly #active = new Map<string, Active>();
  /** The names in the order of their turn: whoever got a slot goes to the end. */
  #turns: string[];
  #dueTimer: Timer | null = null;
  #soonTimer: Timer | null = null;
  #lookTimer: Timer | null = null;
  #isClaiming = false;
  #claiming: Promise<void> = Promise.resolve();
  #isWoken = false;
  readonly #slots: RunSlots;
  /** True where a run may wait for another of its workflow, whatever slots there are. */
  readonly #hasLimits: boolean;
  /** Runs that were stored with a slot and begin with the next turns. */
  readonly #arrived: Arrived[] = [];
  /** Runs that the last beat found to be ours, and that nobody here runs. */
  #orphans: ReadonlySet<string> = new Set();
  /** Since when (monotonic) a run may be stored as ours that nobody here knows of; null where a beat has told since. */
  #doubtedAt: number | null = null;
  #isStopping = false;

  constructor(givens: RunnerGivens) {
    this.#givens = givens;
    const { storage, clock, log, random, timing } = givens;
    this.#persist = new Persist({ clock, log, random }, timing.retryStorageMs);
    const lease = { storage, clock, persist: this.#persist, beatMs: timing.beatMs, leaseMs: timing.leaseMs };
    this.#lease = new Lease(lease, (owned, sentAt) => this.#reconcile(owned, sentAt));
    this.#recovery = new Recovery({
      storage,
      clock,
      log,
      random,
      me: this.#lease.identity,
      looksUntilDeath: timing.looksUntilDeath,
      policyOf: (name) => givens.registry.get(name)?.workflow.retry ?? DEFAULT_POLICY,
    });
    this.#standstill = new Standstill({ clock, log }, timing.tickMs);
    this.#slots = new RunSlots(givens.concurrency, () => this.#active.size);
    const workflows = givens.registry.list();
    this.#turns = workflows.map((named) => named.name);
    this.#hasLimits = workflows.some(({ workflow }) => workflow.concurrency !== null);
  }

  /** Takes up what a crash left behind, and begins to claim. */
  async start(): Promise<void> {
    await this.#look();
    this.wake();
  }

  /** Something may be ready: a run was accepted, came due, or a slot is free. */
  wake(): void {
    this.#isWoken = true;
    if (!this.#isClaiming && !this.#isStopping) this.#claiming = this.#claimLoop();
  }

  /**
   * The same, a turn of the event loop later: the answer to the delivery goes out before its run begins, which may keep
   * the thread busy.
   */
  wakeSoon(): void {
    if (this.#soonTimer !== null || this.#isStopping) return;
    this.#soonTimer = this.#givens.clock.setTimer(() => {
      this.#soonTimer = null;
      this.wake();
    }, 0);
  }

  take(workflowName: string): RunClaim | null {
    const named = this.#givens.registry.get(workflowName);
    // How many of a limited workflow run elsewhere is known to a claim only.
    if (named === undefined || named.workflow.concurrency !== null) return null;
    if (this.#isStopping || !this.#slots.reserve()) return null;
    return { process: this.#lease.identity, fileHash: named.fileHash };
  }

  settle(taken: number, stored: readonly ClaimedRun[] | null, takenAt: number): void {
    const claimed = stored ?? [];
    if (stored === null) this.#doubt();
    this.#slots.release(taken - claimed.length);
    if (claimed.length < taken && (this.#slots.isBacklogged || this.#isClaiming)) this.wake();
    if (claimed.length === 0) return;
    this.#lease.begin(takenAt);
    this.#arrived.push(...claimed.map((run) => ({ run, takenAt, isLost: false })));
    if (this.#arrived.length > claimed.length) return; // those before them are on their way
    // The answers go out in the next turn. A run may keep the thread busy, so it begins in the one after.
    void nextTurn()
      .then(nextTurn)
      .then(() => this.#beginArrived());
  }

  /** Another process has written: there may be work, and one of our runs may have been cancelled. */
  async onChange(): Promise<void> {
    this.wake();
    if (this.#active.size === 0) return;
    const askedAt = this.#givens.clock.monotonic();
    const owned = await this.#givens.storage.ownedRuns(this.#lease.identity.id).catch(() => undefined);
    if (owned !== undefined) this.#loseMissing(owned, askedAt);
  }

  /** A run was cancelled here: its attempt ends at once. */
  onCancelled(runId: string): void {
    this.#active.get(runId)?.attempt.lose();
    for (const arrived of this.#arrived) if (arrived.run.runId === runId) arrived.isLost = true;
  }

  /** The runs awake now, as `run_id workflow`; of many some, and how many more. */
  runsAwake(): readonly string[] {
    return this.#standstill.awake();
  }

  /**
   * Claims no more, lets attempts finish, aborts the rest and gives their runs back. What is not stored by then is
   * resumed by whoever looks next, as after a crash.
   */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#dueTimer?.clear();
    this.#soonTimer?.clear();
    this.#lookTimer?.clear();
    await this.#claiming;
    await this.#untilArrived(graceMs);
    await this.#settleWithin(Math.max(0, graceMs - ABORT_BEFORE_END_MS));
    // Half of a grace that is shorter still: an end that is not stored would count as a crash.
    const drainMs = Math.min(STOP_DRAIN_MS, graceMs / 2);
    for (const { attempt } of this.#active.values()) attempt.interrupt(drainMs);
    await this.#settleWithin(Math.min(graceMs, ABORT_BEFORE_END_MS - STOP_DRAIN_MS / 2));
    this.#persist.stop();
    this.#lease.end();
    this.#standstill.stop();
    if (this.#active.size > 0) return;
    await this.#givens.storage.leave(this.#lease.identity.id).catch(() => {});
  }

  /** Of what is being stored with a slot, the runs go back before their process is gone. */
  async #untilArrived(ms: number): Promise<void> {
    const { clock } = this.#givens;
    const patienceEndsAt = clock.monotonic() + ms;
    while (this.#slots.reserved > 0 && clock.monotonic() < patienceEndsAt)
      await pause(clock, ARRIVAL_LOOK_MS);
  }

  async #settleWithin(ms: number): Promise<void> {
    if (this.#active.size === 0) return;
    const all = Promise.all(Array.from(this.#active.values(), (active) => active.done));
    await Promise.race([all, pause(this.#givens.clock, ms)]);
  }

  async #claimLoop(): Promise<void> {
    this.#isClaiming = true;
    while (this.#isWoken && !this.#isStopping) {
      this.#isWoken = false;
      const limit = this.#slots.ask();
      if (limit === 0) break; // a slot that becomes free wakes us
      try {
        await this.#claim(limit);
      } catch (error) {
        this.#slots.answer(null);
        this.#givens.log.error("cannot claim runs, trying again", { error });
        this.#doubt();
        this.#wakeIn(this.#givens.timing.retryStorageMs * 10);
        break;
      }
    }
    this.#isClaiming = false;
  }

  async #claim(limit: number): Promise<void> {
    const { storage, clock, registry } = this.#givens;
    const workflows = this.#turns
      .flatMap((name) => registry.get(name) ?? [])
      .map(({ name, fileHash, workflow }) => {
        return { name, fileHash, concurrency: workflow.concurrency };
      });
    if (workflows.length === 0) return this.#slots.answer(0);
    const sentAt = clock.monotonic();
    const { runs, nextDueAt } = await storage.claim({
      process: this.#lease.identity,
      now: clock.now(),
      limit,
      workflows,
    });
    if (runs.length > 0) this.#lease.begin(sentAt);
    this.#slots.answer(runs.length);
    if (this.#isStopping) await Promise.all(runs.map((run) => this.#giveBack(run)));
    else {
      for (const run of runs) this.#begin(run, sentAt);
      this.#tellBegun(runs.length);
    }
    if (nextDueAt !== null) this.#wakeIn(nextDueAt - clock.now());
  }

  #beginArrived(): void {
    const arrived = this.#arrived.splice(0);
    for (const { run, takenAt, isLost } of arrived) {
      if (this.#isStopping) void this.#giveBack(run);
      else this.#begin(run, takenAt, isLost);
    }
    if (!this.#isStopping) this.#tellBegun(arrived.length);
    this.#slots.release(arrived.length);
  }

  #wakeIn(ms: number): void {
    this.#dueTimer?.clear();
    // Never longer than a minute: the wall clock may be set meanwhile, and is read again then.
    this.#dueTimer = this.#givens.clock.setTimer(() => this.wake(), Math.min(Math.max(0, ms), TIMER_MAX_MS));
  }

  /** Their first lines run in the next microtasks, so whoever is told now knows of all of them before. */
  #tellBegun(count: number): void {
    if (count > 0) this.#givens.onBegin();
  }

  #begin(run: ClaimedRun, claimedAt: number, isLost = false): void {
    const named = this.#givens.registry.get(run.workflowName);
    if (named === undefined) return; // cannot be: only registered workflows are asked for
    if (this.#turns.at(-1) !== run.workflowName)
      this.#turns = [...this.#turns.filter((name) => name !== run.workflowName), run.workflowName];
    const { clock, log, timing, storage } = this.#givens;
    const attempt = new Attempt(named, run, {
      clock,
      log,
      drainMs: timing.drainMs,
      ensureLease: () => {
        const isOurs = (): boolean => this.#active.get(run.runId)?.attempt === attempt && !attempt.isLost;
        return this.#lease.isSureOf(claimedAt) ? isOurs() : this.#lease.ensure(claimedAt, isOurs);
      },
      store: (step) => this.#persist.until("store a step", () => storage.finishStep(run, step)),
    });
    if (isLost) attempt.lose();
    this.#standstill.began(run.runId, run.workflowName);
    const active: Active = { attempt, claimedAt, done: Promise.resolve() };
    this.#active.set(run.runId, active); // first: an attempt that is not in there is taken for a lost one
    active.done = this.#conduct(attempt, named).catch((error: unknown) => {
      log.error("an attempt was abandoned and will be resumed", { run_id: run.runId, error });
      this.#doubt();
    });
    void active.done.then(() => this.#release(run.runId, attempt));
  }

  /** An attempt from its first line to its stored end. */
  async #conduct(attempt: Attempt, named: NamedWorkflow): Promise<void> {
    const { clock, random, log, timing, storage, onRest } = this.#givens;
    const { run } = attempt;
    const { outcome, hanging } = await attempt.execute();
    if (hanging !== null) {
      log.warn("an attempt ended and something of it still runs", {
        run_id: run.runId,
        workflow_name: named.name,
      });
      void hanging.then(() => this.#settle(run)).catch(() => {});
    }
    const [run_id, workflow_name, fence] = [run.runId, named.name, run.fence];
    if (outcome.kind === "lost") {
      // Cancelled, or taken over: the log is where an operator sees that what it still did came to nothing.
      log.info("attempt dropped: the run is no longer its own", { run_id, workflow_name, fence });
    } else {
      const now = clock.now();
      const heldUntil = hanging === null ? null : now + timing.holdMs;
      const end = endingOf(outcome, run, { policy: named.workflow.retry, now, random, heldUntil });
      const isStored = await this.#persist.until("end an attempt", () => storage.endAttempt(run, end));
      const attempt_status = end.status;
      if (isStored) {
        const [status, error] = [end.next.status, end.error?.message];
        log.info("attempt ended", { run_id, workflow_name, fence, attempt_status, status, error });
        if (isAtRest(end.next.status)) onRest(run.runId);
        else this.wake(); // a claim tells when it comes due
        return;
      }
      const how = { run_id, workflow_name, fence, attempt_status };
      log.warn("late result dropped: the run is no longer this attempt's", how);
    }
    if (hanging === null) await this.#settle(run);
  }

  #settle(run: AttemptKey): Promise<void> {
    const { storage, clock } = this.#givens;
    return this.#persist
      .until("settle an attempt", () => storage.settleAttempt(run, clock.now()))
      .then(() => this.wake());
  }

  #release(runId: string, attempt: Attempt): void {
    if (this.#active.get(runId)?.attempt !== attempt) return;
    this.#active.delete(runId);
    this.#standstill.ended(runId);
    this.#endIdleLease();
    // A claim under way was sent before this slot was free, and may find that it could have taken more.
    if (this.#slots.isBacklogged || this.#isClaiming || this.#hasLimits) this.wake();
  }

  #reconcile(owned: readonly AttemptKey[] | null, sentAt: number): void {
    this.#loseMissing(owned ?? [], sentAt);
    // A claim whose commit was reported as failed may have reached the disk: nobody runs what it took, so it goes back.
    // Not at the first look: what was claimed just now is not under way yet.
    const orphans = (owned ?? []).filter((key) => !this.#active.has(key.runId));
    for (const key of orphans) if (this.#orphans.has(key.runId)) void this.#giveBack(key);
    this.#orphans = new Set(orphans.map((key) => key.runId));
    if (this.#doubtedAt !== null && sentAt > this.#doubtedAt) this.#doubtedAt = null;
    this.#endIdleLease();
  }

  /** The next beats tell whether a run is stored as ours that nobody here runs. */
  #doubt(): void {
    if (this.#isStopping) return;
    this.#doubtedAt = this.#givens.clock.monotonic();
    this.#lease.doubt();
  }

  /** A run that is stored as ours and has not begun yet needs the beats, too, and so does one that has to go back. */
  #endIdleLease(): void {
    const isNeeded = this.#doubtedAt !== null || this.#orphans.size > 0;
    if (this.#active.size === 0 && this.#slots.reserved === 0 && !isNeeded) this.#lease.end();
  }

  #loseMissing(owned: readonly AttemptKey[], askedAt: number): void {
    // What was claimed after the question cannot be in the answer.
    const isMissing = ({ runId, fence }: AttemptKey, claimedAt: number): boolean =>
      claimedAt < askedAt && !owned.some((key) => key.runId === runId && key.fence === fence);
    for (const { attempt, claimedAt } of this.#active.values()) {
      if (isMissing(attempt.run, claimedAt)) attempt.lose();
    }
    // After a beat's answer the lease is sure of all that it has not told, and so this is the one that tells.
    for (const arrived of this.#arrived) if (isMissing(arrived.run, arrived.takenAt)) arrived.isLost = true;
  }

  async #giveBack(key: AttemptKey): Promise<void> {
    const { storage, clock } = this.#givens;
    const next = { status: "queued", waitingFor: null, dueAt: null, heldUntil: null } as const;
    const end = {
      status: "interrupted",
      endedAt: clock.now(),
      result: null,
      error: null,
      next,
      isSettled: true,
    } as const;
    await this.#persist.until("give a run back", () => storage.endAttempt(key, end)).catch(() => {});
    this.wake();
  }

  async #look(): Promise<void> {
    try {
      if ((await this.#recovery.look()) > 0) this.wake();
    } catch (error) {
      this.#givens.log.error("cannot look after other processes, trying again", { error });
      this.wake(); // a burial that is reported as failed may have freed runs
    }
    if (!this.#isStopping)
      this.#lookTimer = this.#givens.clock.setTimer(() => void this.#look(), this.#givens.timing.lookMs);
  }
}
