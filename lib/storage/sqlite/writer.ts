import { type Clock, pause } from "../../clock.ts";
import { messageOf, WebhookError } from "../../errors.ts";
import { type Database, isBusy, isFault, type Row, type Statement } from "./driver.ts";
import { readPragma, SCHEMA_VERSION } from "./schema.ts";

/** Statements that belong together. Synchronous, so that nothing comes between BEGIN and COMMIT. */
export type Command<T> = () => T;

/** How long a batch waits for another process's lock before its callers are told. */
const BUSY_PATIENCE_MS = 5_000;

/** Between two tries for the lock: from 5 ms, plus up to 20 ms at random, so that two waiters do not march in step. */
const BUSY_PAUSE_MS = 5;
const BUSY_JITTER_MS = 20;

/** Above this the writer waits for a checkpoint to catch up, or a busy hour would fill the disk with log. */
const WAL_BYTES_MAX = 64 * 1_048_576;

/** How many commits lie between two looks at the log's size. */
const COMMITS_BETWEEN_LOOKS = 512;

/** A reader that holds the log open is not waited for longer than this. */
const CHECKPOINT_PATIENCE_MS = 1_000;

/** What a lock held back is worked off in turns of about this length, between which the event loop gets its own. */
const TURN_MS_MAX = 20;

interface Batch {
  commands: readonly Command<unknown>[];
  queuedAt: number;
  settle: (results: readonly PromiseSettledResult<unknown>[]) => void;
}

/**
 * The one place that begins and commits. Lists of commands come in, each list is one transaction, and its promise
 * resolves after the fsync.
 */
export class Writer {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #rollback: Statement;
  readonly #version: Statement;
  readonly #pageBytes: number;
  readonly #queue: Batch[] = [];
  #isDraining = false;
  #commits = 0;
  #refusal: WebhookError | null = null;
  #hasFault = false;

  constructor(db: Database, clock: Clock, random: () => number) {
    this.#db = db;
    this.#clock = clock;
    this.#random = random;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#rollback = db.prepare("ROLLBACK");
    this.#version = db.prepare("PRAGMA user_version");
    this.#pageBytes = readPragma(db, "page_size");
  }

  /** True from a write that failed for the disk's or a lock's sake until one that succeeds. */
  get hasFault(): boolean {
    return this.#hasFault;
  }

  /**
   * Runs the commands in one transaction. If one throws, the batch is rolled back and each runs alone, so that only
   * the guilty one fails.
   *
   * @returns one settled result a command, in order, after the fsync
   */
  write(commands: readonly Command<unknown>[]): Promise<readonly PromiseSettledResult<unknown>[]> {
    return new Promise((settle) => {
      this.#queue.push({ commands, queuedAt: this.#clock.monotonic(), settle });
      if (!this.#isDraining) void this.#drain();
    });
  }

  /**
   * One command in a transaction of its own.
   *
   * @throws {WebhookError} `storage_unavailable` where the disk is at fault or another process held the lock for 5 s
   */
  async writeOne<T>(command: Command<T>): Promise<T> {
    const [result] = await this.write([command]);
    if (result === undefined || result.status === "rejected") throw result?.reason;
    return result.value as T;
  }

  /** Refuses what waits and what comes. */
  close(): void {
    this.#refusal ??= new WebhookError("storage_unavailable", "Cannot write: the storage is closed");
    for (const batch of this.#queue.splice(0)) rejectBatch(batch, this.#refusal);
  }

  /**
   * Another process raised the schema: this code must not write any more.
   *
   * @throws {WebhookError} `storage_outdated`
   */
  checkVersion(): void {
    const { user_version: version } = this.#version.get() as Row;
    if (version !== SCHEMA_VERSION) {
      this.#refusal = new WebhookError(
        "storage_outdated",
        `Cannot use the database any more: another process raised its schema from version ${SCHEMA_VERSION} to ${version}; restart with that Latchhook`,
      );
    }
    if (this.#refusal !== null) throw this.#refusal;
  }

  async #drain(): Promise<void> {
    this.#isDraining = true;
    let turnBegunAt = this.#clock.monotonic();
    for (let batch = this.#queue[0]; batch !== undefined; batch = this.#queue[0]) {
      if (this.#refusal !== null) {
        rejectBatch(batch, this.#refusal);
      } else {
        const results = this.#transact(batch.commands);
        if (results === "busy") {
          this.#refuseImpatient();
          await pause(this.#clock, BUSY_PAUSE_MS + this.#random() * BUSY_JITTER_MS);
          continue;
        }
        batch.settle(results);
      }
      // close() may have emptied the queue meanwhile, so the batch is taken out by name.
      if (this.#queue[0] === batch) this.#queue.shift();
      if (++this.#commits % COMMITS_BETWEEN_LOOKS === 0) await this.#boundLog();
      if (this.#queue.length > 0 && this.#clock.monotonic() - turnBegunAt >= TURN_MS_MAX) {
        await pause(this.#clock, 0);
        turnBegunAt = this.#clock.monotonic();
      }
    }
    this.#isDraining = false;
  }

  #transact(commands: readonly Command<unknown>[]): readonly PromiseSettledResult<unknown>[] | "busy" {
    try {
      this.#begin.run();
      this.checkVersion();
      const results = commands.map((command) => ({ status: "fulfilled" as const, value: command() }));
      this.#commit.run();
      this.#hasFault = false;
      return results;
    } catch (error) {
      this.#rollBack();
      if (isBusy(error)) return "busy";
      if (isFault(error)) this.#hasFault = true;
      if (!isFault(error) && this.#refusal === null && commands.length > 1)
        return this.#transactEach(commands);
      const reason = isFault(error) ? unavailable(error) : error;
      return commands.map(() => ({ status: "rejected" as const, reason }));
    }
  }

  #transactEach(commands: readonly Command<unknown>[]): readonly PromiseSettledResult<unknown>[] {
    return commands.map((command) => {
      const results = this.#transact([command]);
      const reason = unavailable(new Error("another process took the lock inside a batch"));
      return (results === "busy" ? undefined : results[0]) ?? { status: "rejected" as const, reason };
    });
  }

  /** SQLite rolls back by itself on some faults (FULL, IOERR, NOMEM), and then there is nothing to roll back. */
  #rollBack(): void {
    try {
      this.#rollback.run();
    } catch {
      // "cannot rollback - no transaction is active"
    }
  }

  #refuseImpatient(): void {
    const now = this.#clock.monotonic();
    const impatient = this.#queue.filter((batch) => now - batch.queuedAt >= BUSY_PATIENCE_MS);
    const reason = unavailable(new Error("another process holds the database's lock"));
    for (const batch of impatient) {
      this.#hasFault = true;
      this.#queue.splice(this.#queue.indexOf(batch), 1);
      rejectBatch(batch, reason);
    }
  }

  async #boundLog(): Promise<void> {
    const patienceEndsAt = this.#clock.monotonic() + CHECKPOINT_PATIENCE_MS;
    while (this.#refusal === null && this.#clock.monotonic() < patienceEndsAt) {
      try {
        const { log, checkpointed } = this.#db.prepare("PRAGMA wal_checkpoint(PASSIVE)").get() as Row;
        if (Number(log) * this.#pageBytes <= WAL_BYTES_MAX || log === checkpointed) return;
      } catch {
        // What was committed is safe in the log; thrown on from here, this would end all writing for ever.
        return;
      }
      await pause(this.#clock, BUSY_PAUSE_MS);
    }
  }
}

function rejectBatch(batch: Batch, reason: unknown): void {
  batch.settle(batch.commands.map(() => ({ status: "rejected", reason })));
}

function unavailable(cause: unknown): WebhookError {
  return new WebhookError("storage_unavailable", `Cannot write to the database: ${messageOf(cause)}`, {
    cause,
  });
}
