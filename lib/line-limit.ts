import type { Clock } from "./clock.ts";

/** Lines of one kind that are written within a second: plenty to see what happens, and no disk is full of it. */
const LINES_PER_SECOND = 100;

interface Kind {
  second: number;
  written: number;
  leftOut: number;
}

/** Bounds the lines that strangers can cause, by kind, so that a flood of one does not hide another. */
export class LineLimit {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Asks for one line.
   *
   * @param name one of a fixed set: what is asked for once is remembered
   * @returns how many were left out since the last one; null where this is left out, too
   */
  take(name: string): number | null {
    const second = Math.floor(this.#clock.monotonic() / 1_000);
    const kind = this.#kinds.get(name) ?? { second, written: 0, leftOut: 0 };
    this.#kinds.set(name, kind);
    if (kind.second !== second) {
      kind.second = second;
      kind.written = 0;
    }
    if (kind.written >= LINES_PER_SECOND) {
      kind.leftOut++;
      return null;
    }
    kind.written++;
    const { leftOut } = kind;
    kind.leftOut = 0;
    return leftOut;
  }
}
