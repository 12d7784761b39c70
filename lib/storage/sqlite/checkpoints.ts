import { Worker } from "node:worker_threads";
import { CHECKPOINT_THREAD } from "./checkpoint-thread.ts";
import type { Database } from "./driver.ts";
import { readPragma } from "./schema.ts";

/** SQLite's own default: without the thread a commit copies when the log has so many pages. */
const PAGES_BETWEEN_CHECKPOINTS = 1_000;

/** What the thread needs to open the file as we did. */
export interface CheckpointFile {
  /** `Driver.library`. */
  library: string;
  path: string;
  pragmas: readonly string[];
}

/**
 * Copies the log into the database beside the writes, in a thread with a connection of its own. It starts with the first
 * copy that is asked for, so that a quiet server has none; until it is ready, and where it cannot start, commits copy as
 * SQLite does by itself.
 */
export class Checkpoints {
  readonly #db: Database;
  readonly #file: CheckpointFile;
  #thread: Worker | null = null;
  readonly #pageBytes: number;
  /** What the last copy saw of the log, and what was written since that one and since the one under way was asked for. */
  #seenBytes = 0;
  #bytesSinceSeen = 0;
  #bytesSinceAsked = 0;
  #isReady = false;
  #isEnded = false;
  /** Resolves with the copy under way. */
  #copying: Promise<void> | null = null;
  #onCopied = (): void => {};

  constructor(db: Database, file: CheckpointFile) {
    this.#db = db;
    this.#file = file;
    this.#pageBytes = readPragma(db, "page_size");
  }

  /**
   * Asks for a copy of what is in the log by now, where none is under way.
   *
   * @param bytes about what was written since the last call
   * @returns about the log's bytes; null where commits copy by themselves
   */
  begin(bytes: number): number | null {
    if (this.#isEnded) return null;
    this.#thread ??= this.#start();
    if (!this.#isReady) return null;
    this.#bytesSinceSeen += bytes;
    this.#bytesSinceAsked += bytes;
    if (this.#copying === null) {
      this.#copying = new Promise((resolve) => {
        this.#onCopied = resolve;
      });
      this.#bytesSinceAsked = 0;
      this.#thread.ref(); // somebody may wait for it
      this.#thread.postMessage("copy");
    }
    return this.#seenBytes + this.#bytesSinceSeen;
  }

  /** Resolves when no copy is under way. */
  async idle(): Promise<void> {
    await this.#copying;
  }

  /** Resolves when the thread has closed its connection. Nothing is copied from here on. */
  async close(): Promise<void> {
    const thread = this.#isEnded ? null : this.#thread;
    if (thread === null) return;
    this.#isEnded = true;
    const ended = new Promise<void>((resolve) => {
      thread.once("exit", () => resolve());
    });
    thread.ref(); // else the process could end in between
    thread.postMessage("close");
    await ended;
  }

  #start(): Worker {
    const thread = new Worker(CHECKPOINT_THREAD, {
      eval: true,
      execArgv: [], // loaders that the program was started with have nothing to do in there
      workerData: this.#file,
    });
    thread.on("message", (said: "ready" | "failed" | "closed" | number | null) => {
      // By itself a thread that listens does not end, on some runtimes not even when it stops listening.
      if (said === "closed" || said === "failed") return void thread.terminate();
      if (this.#isEnded) return;
      if (said === "ready") {
        this.#db.exec("PRAGMA wal_autocheckpoint = 0");
        this.#isReady = true;
        return;
      }
      if (said !== null) {
        this.#seenBytes = said * this.#pageBytes;
        this.#bytesSinceSeen = this.#bytesSinceAsked;
      }
      thread.unref();
      this.#settle();
    });
    thread.on("error", () => this.#end()); // no memory for a thread: no reason to end the server
    thread.on("exit", () => this.#end());
    thread.unref(); // after the listeners, each of which would keep the process alive
    return thread;
  }

  #end(): void {
    if (this.#isReady && !this.#isEnded) {
      this.#db.exec(`PRAGMA wal_autocheckpoint = ${PAGES_BETWEEN_CHECKPOINTS}`);
    }
    this.#isReady = false;
    this.#isEnded = true;
    this.#settle();
  }

  #settle(): void {
    this.#copying = null;
    this.#onCopied();
  }
}
