import { type Clock, nextTurn, pause } from "../../clock.ts";
import { messageOf, WebhookError } from "../../errors.ts";
import type { Checkpoints } from "./checkpoints.ts";
import { type Database, isBusy, isFault, type Row, type Statement } from "./driver.ts";
import type { FilePlace } from "./file-place.ts";
import { readPragma, SCHEMA_VERSION } from "./schema.ts";

/**
 * Statements that belong together. Synchronous, so that nothing comes between BEGIN and COMMIT. It is given the number
 * of its transaction, which several commands of a batch share.
 */
export type Command<T> = (transaction: number) => T;

/** How long a batch waits for another process's lock before its callers are told. */
const BUSY_PATIENCE_MS = 5_000;

/** Between two tries for the lock: from 5 ms, plus up to 20 ms at random, so that two waiters do not march in step. */
const BUSY_PAUSE_MS = 5;
const BUSY_JITTER_MS = 20;

/** Above this the writer waits for a checkpoint to catch up, or a busy hour would fill the disk with log. */
const WAL_BYTES_MAX = 64 * 1_048_576;

/** How much may be written between two looks at the log. */
const BYTES_BETWEEN_LOOKS = 4 * 1_048_576;

/** What a command writes besides what it says of itself: a page of an index, and its part of pages shared by a batch. */
const COMMAND_BYTES = 4_096;

/** A reader that holds the log open is not waited for longer than this. */
const CHECKPOINT_PATIENCE_MS = 1_000;

/** A batch takes no more commands after this, so that the event loop gets its turns while a backlog is worked off. */
const BATCH_MS_MAX = 20;

/** What is kept in memory of the file, and has to follow each transaction. */
export interface FileMemory {
  /** The transaction has begun. */
  know(): void;
  /** It is about to be committed: its last statements. */
  move(): void;
  /** It was rolled back. */
  forget(): void;
}

/** So many commands of one turn are a flood, and more are expected in the next. */
const FLOOD_COMMANDS = 8;

/** So many are not kept waiting for others. */
const BATCH_COMMANDS_MAX = 256;

interface Waiting {
  command: Command<unknown>;
  bytes: number;
  queuedAt: number;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

/**
 * The one place that begins and commits. Commands that come within one turn of the event loop, or while a commit is
 * under way, share a transaction and its fsync; a lone one waits for nobody. A promise resolves after the fsync.
 */
export class Writer {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #rollback: Statement;
  readonly #version: Statement;
  readonly #changes: Statement;
  readonly #pageBytes: number;
  readonly #checkpoints: Checkpoints | null;
  readonly #memory: FileMemory | null;
  readonly #place: FilePlace | null;
  readonly #queue: Waiting[] = [];
  #isDraining = false;
  #transaction = 0;
  #isOpen = false;
  #bytesSinceLook = 0;
  #refusal: WebhookError | null = null;
  #hasFault = false;
  /** Rows written by this connection when the transaction began; asked for while there is a fault only. */
  #changesBefore = 0;

  /**
   * @param checkpoints null where there may be no second connection: then commits copy the log by themselves
   * @param place null for a database in memory
   */
  constructor(
    db: Database,
    clock: Clock,
    random: () => number,
    checkpoints: Checkpoints | null = null,
    memory: FileMemory | null = null,
    place: FilePlace | null = null,
  ) {
    this.#db = db;
    this.#memory = memory;
    this.#place = place;
    this.#checkpoints = checkpoints;
    this.#clock = clock;
    this.#random = random;
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#rollback = db.prepare("ROLLBACK");
    this.#version = db.prepare("PRAGMA user_version");
    this.#changes = db.prepare("SELECT total_changes() AS changes");
    this.#pageBytes = readPragma(db, "page_size");
  }

  /** True from a write that failed for the disk's or a lock's sake until one that succeeds and really wrote. */
  get hasFault(): boolean {
    return this.#hasFault;
  }

  /**
   * Runs the command in the next batch. If anything in a batch throws, it is rolled back and each of its commands runs
   * alone, so that only the guilty one fails.
   *
   * @param bytes what the command stores besides some small fields
   * @throws {WebhookError} `storage_unavailable` where the disk is at fault or another process held the lock for 5 s
   * @throws whatever the command throws
   */
  write<T>(command: Command<T>, bytes = 0): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const queuedAt = this.#clock.monotonic();
      this.#queue.push({ command, bytes, queuedAt, resolve: resolve as Waiting["resolve"], reject });
      if (!this.#isDraining) void this.#drain();
    });
  }

  /** Refuses what waits and what comes. */
  close(): void {
    this.#refusal ??= new WebhookError("storage_unavailable", "Cannot write: the storage is closed");
    rejectAll(this.#queue.splice(0), this.#refusal);
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
    await nextTurn();
    while (this.#queue.length > 0) {
      await this.#untilFewCome();
      if (this.#refusal !== null) {
        rejectAll(this.#queue.splice(0), this.#refusal);
      } else if (this.#writeBatch() === "busy") {
        this.#refuseImpatient();
        await pause(this.#clock, BUSY_PAUSE_MS + this.#random() * BUSY_JITTER_MS);
        continue;
      }
      if (this.#bytesSinceLook >= BYTES_BETWEEN_LOOKS) await this.#boundLog();
      // The turn in which what came meanwhile is read from the sockets, and joins the next batch.
      if (this.#queue.length > 0) await nextTurn();
    }
    this.#isDraining = false;
  }

  /** In a flood each turn brings more: a commit for half of those that are on their way costs as much as one for all. */
  async #untilFewCome(): Promise<void> {
    for (let before = 0; this.#queue.length - before >= FLOOD_COMMANDS; ) {
      before = this.#queue.length;
      if (before >= BATCH_COMMANDS_MAX) return;
      await nextTurn();
    }
  }

  /** On `busy` the batch stays in the queue, where it grows. */
  #writeBatch(): "done" | "busy" {
    const values: unknown[] = [];
    let taken = 0;
    try {
      this.#open();
      const endAt = this.#clock.monotonic() + BATCH_MS_MAX;
      for (const { command, bytes } of this.#queue) {
        taken++;
        this.#bytesSinceLook += COMMAND_BYTES + bytes;
        values.push(command(this.#transaction));
        if (this.#clock.monotonic() >= endAt) break;
      }
      this.#close();
    } catch (error) {
      this.#rollBack();
      if (isBusy(error)) return "busy";
      // A fault of the disk, and what fails before the first command, is everybody's.
      const isShared = isFault(error) || taken === 0;
      const batch = this.#queue.splice(0, isShared ? this.#queue.length : taken);
      if (isFault(error)) this.#fail(batch, error);
      else if (taken < 2) rejectAll(batch, error);
      else this.#writeEach(batch);
      return "done";
    }
    for (const [at, { resolve }] of this.#queue.splice(0, taken).entries()) resolve(values[at]);
    return "done";
  }

  #writeEach(batch: readonly Waiting[]): void {
    for (const [at, waiting] of batch.entries()) {
      try {
        this.#open();
        const value = waiting.command(this.#transaction);
        this.#close();
        waiting.resolve(value);
      } catch (error) {
        this.#rollBack();
        if (isBusy(error)) return void this.#queue.unshift(...batch.slice(at));
        if (isFault(error)) this.#fail([waiting], error);
        else waiting.reject(error);
      }
    }
  }

  #fail(batch: readonly Waiting[], fault: unknown): void {
    this.#hasFault = true;
    rejectAll(batch, unavailable(fault));
  }

  #open(): void {
    this.#begin.run();
    this.#isOpen = true;
    this.#transaction++;
    if (this.#hasFault) this.#changesBefore = this.#countChanges();
    this.#place?.check();
    this.checkVersion();
    this.#memory?.know();
  }

  #close(): void {
    this.#memory?.move();
    this.#commit.run();
    this.#isOpen = false;
    // A copy's answer writes nothing, and so it commits on a full disk, too.
    if (this.#hasFault) this.#hasFault = this.#countChanges() === this.#changesBefore;
  }

  #countChanges(): number {
    return Number((this.#changes.get() as Row).changes);
  }

  /** SQLite rolls back by itself on some faults (FULL, IOERR, NOMEM), and then there is nothing to roll back. */
  #rollBack(): void {
    try {
      this.#rollback.run();
    } catch {
      // "cannot rollback - no transaction is active"
    }
    if (this.#isOpen) this.#memory?.forget();
    this.#isOpen = false;
  }

  #refuseImpatient(): void {
    const now = this.#clock.monotonic();
    // The queue is in the order of arrival, so the impatient ones stand first.
    const patientAt = this.#queue.findIndex(({ queuedAt }) => now - queuedAt < BUSY_PATIENCE_MS);
    const impatient = this.#queue.splice(0, patientAt === -1 ? this.#queue.length : patientAt);
    if (impatient.length > 0) this.#fail(impatient, new Error("another process holds the database's lock"));
  }

  /**
   * Keeps the log from filling the disk. A log that is always written to is never begun anew, however much of it was
   * copied: above its bound the writer waits until all of it is.
   */
  async #boundLog(): Promise<void> {
    const bytes = this.#checkpoints?.begin(this.#bytesSinceLook) ?? null;
    this.#bytesSinceLook = 0;
    if (bytes !== null && bytes <= WAL_BYTES_MAX) return;
    await this.#checkpoints?.idle();
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

function rejectAll(batch: readonly Waiting[], reason: unknown): void {
  for (const { reject } of batch) reject(reason);
}

function unavailable(cause: unknown): WebhookError {
  return new WebhookError("storage_unavailable", `Cannot write to the database: ${messageOf(cause)}`, {
    cause,
  });
}
