import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { FreedRun, OwnedRun, ProcessIdentity, ProcessRecord, Storage } from "../repositories.ts";
import type { RetryPolicy } from "../workflow.ts";
import { isGone } from "./lease.ts";
import { retryDelay } from "./retry.ts";

/** So many leases lost in a row, with no newly stored step, and a run is what crashes the process: it fails. */
export const LOSSES_MAX = 20;

export interface RecoveryGivens {
  storage: Storage;
  clock: Clock;
  log: Log;
  random: () => number;
  me: ProcessIdentity;
  looksUntilDeath: number;
  /** The retry policy of a workflow, or the default where it is missing here. */
  policyOf(workflowName: string): RetryPolicy;
}

/**
 * Frees the runs of processes that died. It compares no clocks: an owner whose beats stand still for long enough is
 * dead, and one whose pid is gone is dead at once.
 */
export class Recovery {
  readonly #givens: RecoveryGivens;
  readonly #seen = new Map<string, { beats: number | null; looks: number }>();

  constructor(givens: RecoveryGivens) {
    this.#givens = givens;
  }

  /** Looks once at the owners of running runs. @returns how many runs it freed */
  async look(): Promise<number> {
    const owners = (await this.#givens.storage.owners()).filter((owner) => owner.id !== this.#givens.me.id);
    for (const id of this.#seen.keys()) {
      if (!owners.some((owner) => owner.id === id)) this.#seen.delete(id);
    }
    let freed = 0;
    for (const owner of owners) {
      if (this.#isDead(owner)) freed += await this.#bury(owner);
    }
    return freed;
  }

  #isDead(owner: ProcessRecord): boolean {
    if (isGone(owner, this.#givens.me)) return true;
    const seen = this.#seen.get(owner.id);
    const looks = seen === undefined || seen.beats !== owner.beats ? 0 : seen.looks + 1;
    this.#seen.set(owner.id, { beats: owner.beats, looks });
    return looks >= this.#givens.looksUntilDeath;
  }

  async #bury(owner: ProcessRecord): Promise<number> {
    const { storage, clock, log } = this.#givens;
    const now = clock.now();
    const runs = (await storage.ownedRuns(owner.id)).map((run) => this.#free(run, now));
    if (!(await storage.bury({ processId: owner.id, beats: owner.beats, now, runs }))) return 0;
    log.warn("a process died, its runs go on", {
      process_id: owner.id,
      pid: owner.pid,
      runs: runs.map((r) => r.runId),
    });
    return runs.length;
  }

  /** The first loss resumes at once; from the second in a row the run waits, since it may be the cause. */
  #free({ runId, fence, workflowName, losses }: OwnedRun, now: number): FreedRun {
    const lost = losses + 1;
    if (lost >= LOSSES_MAX) {
      const message = `The process died ${lost} times in a row while this run was awake, and no step of it finished in between`;
      return { runId, fence, next: { status: "failed", error: { code: "interrupted_too_often", message } } };
    }
    const { random, policyOf } = this.#givens;
    const dueAt = lost < 2 ? null : now + retryDelay(lost - 1, policyOf(workflowName), random);
    return { runId, fence, next: { status: "queued", dueAt } };
  }
}
