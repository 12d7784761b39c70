import { type Clock, pause } from "../../clock.ts";
import { forgetGroup, groupLeaders, keepGroup } from "../../process-groups.ts";

/** When a command is over although it is not. */
export interface ExecGivens {
  readonly clock: Clock;
  /** Between asking its processes to end and ending them. */
  readonly graceMs: number;
  /** How long what is left of its output is waited for where others hold it open, and how long a killed one for its end. */
  readonly drainMs: number;
}

/** The processes of a command: the first, which leads them, and all that it starts and that does not leave the group. */
export class ProcessGroup {
  readonly #leader: number;
  readonly #givens: ExecGivens;
  #ending: Promise<void> | null = null;
  /** Resolves when the leader has outlived its end: it is another user's, or the kernel does not let it go. */
  readonly outlived: Promise<null>;
  #outlive: (outlived: null) => void = () => {};

  /** @param leader the process that was started as the leader of a group of its own */
  constructor(leader: number, givens: ExecGivens) {
    this.#leader = leader;
    this.#givens = givens;
    this.outlived = new Promise((resolve) => {
      this.#outlive = resolve;
    });
    keepUntilExit(leader);
  }

  /** SIGTERM to all, and SIGKILL after the grace to those that are left. */
  end(): void {
    this.#ending ??= this.#end();
  }

  /** Call when the leader has ended: what else is in the group is left alone, unless the group is being ended. */
  async leaderEnded(): Promise<void> {
    await this.#ending;
    forgetGroup(this.#leader);
  }

  async #end(): Promise<void> {
    const { clock, graceMs, drainMs } = this.#givens;
    signalGroup(this.#leader, "SIGTERM");
    const until = clock.monotonic() + graceMs;
    while (clock.monotonic() < until) {
      await pause(clock, Math.min(LOOK_MS, graceMs));
      if (!signalGroup(this.#leader, 0)) return;
    }
    signalGroup(this.#leader, "SIGKILL");
    void pause(clock, drainMs).then(() => this.#outlive(null));
  }
}

/** How often it is looked whether a group has ended, in milliseconds. */
const LOOK_MS = 20;

let isWatched = false;

/** A process that exits in order, after a grace that was too short for theirs, leaves no group behind. */
function keepUntilExit(leader: number): void {
  keepGroup(leader);
  if (isWatched) return;
  isWatched = true;
  process.on("exit", () => {
    for (const pid of groupLeaders()) if (pid !== 0) signalGroup(pid, "SIGKILL");
  });
}

/** False where the group has no process any more; one that may not be signalled is there. */
function signalGroup(leader: number, signal: "SIGTERM" | "SIGKILL" | 0): boolean {
  try {
    return process.kill(-leader, signal);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
