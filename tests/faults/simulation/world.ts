import type { Timer } from "../../../lib/clock.ts";
import { Random } from "./random.ts";
import { Trace } from "./trace.ts";

/** Taken before any suite replaces it; a turn of the real event loop, by which all promises have run as far as they can. */
const realTurn = setImmediate;

/** When the worlds begin, by the wall clock. */
export const WALL_START = Date.UTC(2026, 0, 1);

/** Whoever owns timers and turns: a process, or the people and networks outside of all processes. */
export interface Owner {
  readonly name: string;
  /** False while it is frozen, and after its death. */
  readonly isRunnable: boolean;
}

interface Waiting {
  owner: Owner;
  fn: () => void;
  dueAt: number;
}

/**
 * One world: its time, and the order in which things happen. Nothing in it moves by itself. What is ready (a timer that
 * is due, a turn of a process's event loop) goes in an order that the seed chooses, and time goes on only when nothing is.
 */
export class World {
  readonly seed: number;
  readonly trace: Trace;
  /** How often each fault and state was met. */
  readonly counts: Map<string, number> = new Map();
  /** Broken promises, one line each. */
  readonly faults: string[] = [];
  /** Decides the order of what is ready at once. */
  readonly order: Random;
  /** Monotonic, in milliseconds. */
  now = 0;
  readonly #timers: Waiting[] = [];
  readonly #turns = new Map<Owner, (() => void)[]>();

  constructor(seed: number, isTraced: boolean) {
    this.seed = seed;
    this.order = new Random(seed ^ 0x5eed);
    this.trace = new Trace(isTraced);
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  say(who: string, what: string): void {
    this.trace.add(`${this.now} ${who} ${what}`);
  }

  /** A promise was broken. */
  blame(fault: string): void {
    this.say("AUDIT", fault);
    this.faults.push(fault);
  }

  setTimer(owner: Owner, fn: () => void, ms: number): Timer {
    const timer = { owner, fn, dueAt: this.now + Math.max(0, ms) };
    this.#timers.push(timer);
    return { clear: () => this.#remove(timer) };
  }

  /** What `setImmediate` is to a process of this world: in the order of the calls, each with its promises. */
  setTurn(owner: Owner, fn: () => void): void {
    const turns = this.#turns.get(owner);
    if (turns === undefined) this.#turns.set(owner, [fn]);
    else turns.push(fn);
  }

  /** It is gone, with all that it waited for. */
  drop(owner: Owner): void {
    this.#turns.delete(owner);
    for (let at = this.#timers.length - 1; at >= 0; at--) {
      if (this.#timers[at]?.owner === owner) this.#timers.splice(at, 1);
    }
  }

  /**
   * Lets one thing happen after another until `isOver` says so.
   *
   * @returns false where it was not over at `end`, or nothing is left that could happen
   */
  async run(isOver: () => boolean, end: number): Promise<boolean> {
    for (;;) {
      await new Promise((resolve) => realTurn(resolve));
      if (isOver()) return true;
      const ready = this.#ready();
      if (ready.length > 0) {
        this.order.pick(ready)();
        continue;
      }
      const dueAt = this.#nextDueAt();
      if (dueAt > end) return false;
      this.now = Math.max(this.now, dueAt);
    }
  }

  #ready(): (() => void)[] {
    const ready: (() => void)[] = [];
    for (const [owner, turns] of this.#turns) {
      if (owner.isRunnable && turns.length > 0) ready.push(() => turns.shift()?.());
    }
    for (const timer of this.#timers) {
      if (timer.dueAt > this.now || !timer.owner.isRunnable) continue;
      ready.push(() => {
        this.#remove(timer);
        timer.fn();
      });
    }
    return ready;
  }

  #nextDueAt(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { owner, dueAt } of this.#timers) if (owner.isRunnable && dueAt < next) next = dueAt;
    return next;
  }

  #remove(timer: Waiting): void {
    const at = this.#timers.indexOf(timer);
    if (at !== -1) this.#timers.splice(at, 1);
  }
}
