/** The runner's own times, in milliseconds. Tests with child processes shorten them; nobody else needs to. */
export interface Timing {
  /** Between two beats of a process that runs something. */
  beatMs: number;
  /** Between two looks at the owners of running runs. */
  lookMs: number;
  /** So many looks without a new beat, and an owner is dead. */
  looksUntilDeath: number;
  /** How long an owner trusts its lease after its last committed beat; less than `lookMs * looksUntilDeath`. */
  leaseMs: number;
  /** Between two looks for other processes' commits, with ROLE=work or where somebody waits for a result. */
  watchMs: number;
  /** The same with ROLE=all, whose work comes mostly from itself. */
  watchIdleMs: number;
  /** How long an ended attempt waits for the steps under way. */
  drainMs: number;
  /** How long a run is held back whose last attempt still hangs. */
  holdMs: number;
  /** Between two ticks that notice a blocked event loop. */
  tickMs: number;
  /** First pause before a runner's command is tried again after a storage error. */
  retryStorageMs: number;
  /** From the start to the first pass of retention, and between two passes. */
  retentionFirstMs: number;
  retentionEveryMs: number;
  /** A day of retention: those who watch it for half an hour have no thirty days. */
  dayMs: number;
}

export const TIMING: Timing = {
  beatMs: 2_000,
  lookMs: 2_000,
  looksUntilDeath: 5,
  leaseMs: 8_000,
  watchMs: 100,
  watchIdleMs: 1_000,
  drainMs: 5_000,
  holdMs: 60_000,
  tickMs: 250,
  retryStorageMs: 100,
  retentionFirstMs: 10 * 60_000,
  retentionEveryMs: 60 * 60_000,
  dayMs: 24 * 60 * 60_000,
};
