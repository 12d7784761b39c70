import type { SimProcess } from "./sim-process.ts";
import type { World } from "./world.ts";

/** A call of a workflow's `run`. */
export interface Awake {
  readonly id: number;
  readonly run: string;
  readonly workflow: string;
  readonly process: SimProcess;
  readonly startedAt: number;
}

/** What workflows of a world did, and what of it breaks a promise. Only living processes write into it. */
export class Journal {
  readonly #world: World;
  readonly #onLine: (process: SimProcess) => void;
  /** The latest call of `run` of each run. */
  readonly #latest = new Map<string, Awake>();
  /** What `await step()` returned, by run and step. */
  readonly #returned = new Map<string, string>();
  readonly #effects = new Map<string, number>();
  readonly #began = new Set<string>();
  /** How often each run was begun. */
  readonly begun: Map<string, number> = new Map();
  /** What the finished calls of each run gave, as JSON: one that was frozen before its first line may come late. */
  readonly results: Map<string, string[]> = new Map();
  /** Steps begun again that had not returned: what at-least-once means. */
  repeats = 0;
  /** Runs that somebody has asked to cancel, whose effects under way may still happen. */
  readonly cancelled: Set<string> = new Set();
  /** True where a hold may have ended early, because wall clocks differ. */
  hasOddClocks = false;
  #ids = 0;

  /** @param onLine told after each line */
  constructor(world: World, onLine: (process: SimProcess) => void) {
    this.#world = world;
    this.#onLine = onLine;
  }

  started(process: SimProcess, run: string, workflow: string): Awake {
    const awake = { id: ++this.#ids, run, workflow, process, startedAt: this.#world.now };
    if (!process.isAlive) return awake;
    this.#world.say(process.name, `${run} ${workflow} started (${awake.id})`);
    this.begun.set(run, (this.begun.get(run) ?? 0) + 1);
    this.#latest.set(run, awake);
    this.#onLine(process);
    return awake;
  }

  /** fn of a step was called. */
  began(awake: Awake, step: string): void {
    if (!this.#isHeard(awake, `began ${step}`)) return;
    const key = `${awake.run} ${step}`;
    if (this.#returned.has(key)) this.#world.blame(`step ${key} began again after it had returned`);
    if (this.#began.has(key)) this.repeats++;
    this.#began.add(key);
    // However long a process was frozen: before fn is called it makes sure that the run is still its own.
    const latest = this.#latest.get(awake.run);
    if (latest !== awake) {
      this.#world.blame(`step ${key} began in attempt ${awake.id} after attempt ${latest?.id} had started`);
    }
    this.#onLine(awake.process);
  }

  /** The last line of fn. */
  effect(awake: Awake, step: string): void {
    if (!this.#isHeard(awake, `did ${step}`)) return;
    const key = `${awake.run} ${step}`;
    this.#effects.set(key, (this.#effects.get(key) ?? 0) + 1);
    this.#checkOverlap(awake, `did ${step}`);
    this.#onLine(awake.process);
  }

  /** `await step()` returned. */
  returned(awake: Awake, step: string, value: unknown): void {
    if (!this.#isHeard(awake, `returned ${step}`)) return;
    const key = `${awake.run} ${step}`;
    const text = JSON.stringify(value);
    const before = this.#returned.get(key);
    if (!this.#effects.has(key)) this.#world.blame(`step ${key} returned and its effect was never done`);
    if (before !== undefined && before !== text) {
      this.#world.blame(`step ${key} returned ${text} after it had returned ${before}`);
    }
    this.#returned.set(key, text);
    this.#checkOverlap(awake, `returned ${step}`);
    this.#onLine(awake.process);
  }

  ended(awake: Awake, result: unknown): void {
    if (!this.#isHeard(awake, "ended")) return;
    this.#checkOverlap(awake, "ended");
    this.results.set(awake.run, [...(this.results.get(awake.run) ?? []), JSON.stringify(result)]);
    this.#onLine(awake.process);
  }

  effectsOf(run: string, step: string): number {
    return this.#effects.get(`${run} ${step}`) ?? 0;
  }

  #isHeard({ process, run, id }: Awake, what: string): boolean {
    if (process.isAlive) this.#world.say(process.name, `${run} (${id}) ${what}`);
    return process.isAlive;
  }

  /** An attempt may go on beside its successor only where its process was frozen or could not write. */
  #checkOverlap(awake: Awake, what: string): void {
    const { process, run, id, startedAt } = awake;
    const latest = this.#latest.get(run);
    if (latest === awake || latest === undefined) return;
    if (process.hinderedAt >= startedAt) {
      this.#world.count("an overlap with a process that was hindered");
      return;
    }
    // A hold of 60 s is one of the wall clock, and may end early where that was set.
    if (this.hasOddClocks && (this.cancelled.has(run) || this.#world.now - startedAt > HANGS_FROM_MS)) return;
    this.#world.blame(`run ${run}: attempt ${id} still ran (${what}) after attempt ${latest.id} had started`);
  }
}

/** How long an attempt of the workflow that hangs may take, in milliseconds. */
export const TIMEOUT_MS = 6_000;

/** An attempt of it that is older has timed out and hangs. */
const HANGS_FROM_MS = TIMEOUT_MS + 5_000;
