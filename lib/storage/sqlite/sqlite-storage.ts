import type { Clock } from "../../clock.ts";
import { WebhookError } from "../../errors.ts";
import type {
  AcceptOutcome,
  AttemptEnd,
  AttemptKey,
  BuryCommand,
  ClaimCommand,
  ClaimOutcome,
  CleanupCommand,
  EventKeys,
  EventQuery,
  EventRecord,
  EventSummary,
  NewEvent,
  NewRun,
  NewStep,
  OtherBody,
  OwnedRun,
  Page,
  ProcessRecord,
  ReplayCommand,
  ReplayOutcome,
  RunChange,
  RunQuery,
  RunRecord,
  RunSummary,
  Storage,
  StorageFacts,
} from "../../repositories.ts";
import { SqliteAccept } from "./accept.ts";
import { Checkpoints } from "./checkpoints.ts";
import { SqliteClaims } from "./claims.ts";
import { type Database, isBusy, isFault, type Row, type Statement } from "./driver.ts";
import { SqliteEvents } from "./events.ts";
import { FilePlace } from "./file-place.ts";
import { SqliteGuards } from "./guards.ts";
import { IdHash } from "./id-hash.ts";
import { IdIndex } from "./id-index.ts";
import type { OpenDatabase } from "./open.ts";
import { rehearsedDelivery } from "./rehearsal.ts";
import { SqliteRetention } from "./retention.ts";
import { SqliteRuns } from "./runs.ts";
import { SqliteWebhookEventRepository } from "./webhook-event-repository.ts";
import { Writer } from "./writer.ts";

/** The storage's commands over one SQLite connection: each is one transaction of the writer. */
export class SqliteStorage implements Storage {
  readonly about: StorageFacts;
  readonly webhookEvents: SqliteWebhookEventRepository;
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #checkpoints: Checkpoints | null;
  readonly #writer: Writer;
  readonly #events: SqliteEvents;
  readonly #runs: SqliteRuns;
  readonly #accept: SqliteAccept;
  readonly #claims: SqliteClaims;
  readonly #retention: SqliteRetention;
  readonly #idIndex: IdIndex;
  readonly #begin: Statement;
  readonly #rollback: Statement;
  readonly #dataVersion: Statement;
  readonly #probe: Statement;
  #seenVersion: unknown;
  /** A page that was damaged before the start has failed no write yet, so the first question looks for it. */
  #isRehearsed = false;
  #isClosed = false;

  constructor(
    url: string,
    { db, path, engine, notSharedBecause, checkpointFile }: OpenDatabase,
    clock: Clock,
    random: () => number,
    { idHashBits, idsCollectedMax }: { idHashBits?: number; idsCollectedMax?: number } = {},
  ) {
    const isShared = notSharedBecause === "";
    this.about = { url, engine, isDurable: url !== ":memory:", isShared, notSharedBecause };
    this.#db = db;
    this.#clock = clock;
    this.#checkpoints = checkpointFile === null ? null : new Checkpoints(db, checkpointFile);
    this.#idIndex = new IdIndex(db, idsCollectedMax);
    this.#runs = new SqliteRuns(db);
    const idHash = new IdHash(db, idHashBits);
    // After the first read, which opens the log.
    const place = path === null ? null : new FilePlace(path);
    this.#writer = new Writer(db, clock, random, this.#checkpoints, this.#idIndex, place);
    const guards = new SqliteGuards(db, idHash, this.#idIndex);
    this.#events = new SqliteEvents(db, this.#runs, idHash, this.#idIndex, guards);
    this.#claims = new SqliteClaims(db);
    this.#accept = new SqliteAccept(db, this.#events, this.#runs, this.#claims);
    this.#retention = new SqliteRetention(db, this.#events);
    this.webhookEvents = new SqliteWebhookEventRepository(
      db,
      idHash,
      this.#idIndex,
      this.#events,
      this.#writer,
      clock,
      (read) => this.#readIds(read),
      (command) => this.cleanup(command),
    );
    this.#begin = db.prepare("BEGIN");
    this.#rollback = db.prepare("ROLLBACK");
    this.#dataVersion = db.prepare("PRAGMA data_version");
    this.#probe = db.prepare(`
      INSERT INTO probes (id, writes) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET writes = writes + 1`);
    this.#seenVersion = this.#readDataVersion();
  }

  accept(event: NewEvent, runs: readonly NewRun[], otherBody: OtherBody): Promise<AcceptOutcome> {
    return this.#writer.write(
      (transaction) => this.#accept.accept(event, runs, otherBody, transaction),
      event.body.byteLength,
    );
  }

  findAccepted(keys: EventKeys, otherBody: OtherBody): Promise<AcceptOutcome | null> {
    return this.#readIds(() => this.#accept.find(keys, otherBody));
  }

  claim(command: ClaimCommand): Promise<ClaimOutcome> {
    return this.#writer.write((transaction) => this.#claims.claim(command, transaction));
  }

  beat(processId: string): Promise<readonly AttemptKey[] | null> {
    return this.#writer.write(() => this.#claims.beat(processId));
  }

  finishStep(key: AttemptKey, step: NewStep): Promise<boolean> {
    return this.#writer.write(() => this.#claims.finishStep(key, step));
  }

  endAttempt(key: AttemptKey, end: AttemptEnd): Promise<boolean> {
    return this.#writer.write(() => this.#claims.endAttempt(key, end));
  }

  settleAttempt(key: AttemptKey, settledAt: number): Promise<void> {
    return this.#writer.write(() => this.#claims.settleAttempt(key, settledAt));
  }

  countReady(workflowNames: readonly string[], limit: number): Promise<number> {
    return this.#read(() => this.#claims.countReady(workflowNames, limit));
  }

  owners(): Promise<readonly ProcessRecord[]> {
    return this.#read(() => this.#claims.owners());
  }

  ownedRuns(processId: string): Promise<readonly OwnedRun[]> {
    return this.#read(() => this.#claims.ownedRuns(processId));
  }

  bury(command: BuryCommand): Promise<boolean> {
    return this.#writer.write(() => this.#claims.bury(command));
  }

  leave(processId: string): Promise<void> {
    return this.#writer.write(() => this.#claims.leave(processId));
  }

  cancel(runId: string, now: number): Promise<RunChange | null> {
    return this.#writer.write(() => this.#runs.cancel(runId, now));
  }

  retry(runId: string, now: number, holdMs: number): Promise<RunChange | null> {
    return this.#writer.write(() => this.#runs.retry(runId, now + holdMs));
  }

  replay(command: ReplayCommand): Promise<ReplayOutcome> {
    return this.#writer.write(() => this.#accept.replay(command));
  }

  erase(eventId: string, now: number): Promise<"erased" | "unfinished" | null> {
    return this.#writer.write(() => this.#accept.erase(eventId, now));
  }

  cleanup(command: CleanupCommand): Promise<number> {
    return this.#writer.write(() => this.#retention.cleanup(command));
  }

  getRun(runId: string): Promise<RunRecord | null> {
    return this.#read(() => this.#runs.get(runId));
  }

  getEvent(eventId: string): Promise<EventRecord | null> {
    return this.#read(() => this.#events.get(eventId));
  }

  listRuns(query: RunQuery): Promise<Page<RunSummary>> {
    return this.#read(() => this.#runs.list(query));
  }

  listEvents(query: EventQuery): Promise<Page<EventSummary>> {
    return this.#readIds(() => this.#events.list(query));
  }

  hasChanged(): boolean {
    const version = this.#readDataVersion();
    if (version === this.#seenVersion) return false;
    this.#seenVersion = version;
    this.#writer.checkVersion();
    return true;
  }

  async checkReady(): Promise<void> {
    if (this.#isClosed) throw unreadable(new Error("the storage is closed"));
    const { hasFault } = this.#writer;
    if (hasFault || !this.#isRehearsed) await this.#rehearse();
    this.#isRehearsed = true;
    if (hasFault) await this.#writer.write(() => void this.#probe.run());
    this.#writer.checkVersion();
  }

  /** An accept that is rolled back. It grows no file, so whether there is room is for the probe to say. */
  async #rehearse(): Promise<void> {
    const rolledBack = new Error("rolled back on purpose");
    const rehearsal = this.#writer.write((transaction) => {
      const { event, run } = rehearsedDelivery(this.#clock.now());
      this.#accept.accept(event, [run], "conflict", transaction);
      throw rolledBack;
    });
    await rehearsal.catch((error: unknown) => {
      if (error !== rolledBack) throw error;
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#writer.close();
    await this.#checkpoints?.close();
    try {
      this.#db.exec("PRAGMA wal_checkpoint(PASSIVE)");
    } catch {
      // What was committed is in the log; whoever opens the file next reads it from there.
    }
    this.#db.close();
  }

  async #read<T>(read: () => T): Promise<T> {
    if (this.#isClosed) throw unreadable(new Error("the storage is closed"));
    try {
      return read();
    } catch (error) {
      throw isFault(error) || isBusy(error) ? unreadable(error) : error;
    }
  }

  /** Where ids are looked up, all that is read has to be of one moment. */
  #readIds<T>(read: () => T): Promise<T> {
    return this.#read(() => {
      this.#begin.run();
      try {
        this.#idIndex.know();
        return read();
      } finally {
        this.#rollback.run();
      }
    });
  }

  #readDataVersion(): unknown {
    return (this.#dataVersion.get() as Row).data_version;
  }
}

function unreadable(cause: unknown): WebhookError {
  return new WebhookError("storage_unavailable", "Cannot read from the database", { cause });
}
