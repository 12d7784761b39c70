import type { IdSource } from "./event.ts";
import type { AttemptStatus, RunError, RunStatus, StepKind } from "./run.ts";

/** An id that was processed, as the plan's table has it. */
export interface WebhookEventRecord {
  id: number;
  webhookId: string;
  provider: string;
  /** Epoch milliseconds. */
  processedAt: number;
}

/** Which webhook ids were processed: for people who bring their own function (`WebhookHandler`). */
export interface WebhookEventRepository {
  /** True for an id of any source at that provider. `provider` is `generic` where it is not given. */
  isProcessed(webhookId: string, provider?: string): Promise<boolean>;
  /** Takes the id; true for the first who asks, decided by the database among all processes. */
  markProcessed(webhookId: string, provider?: string): Promise<boolean>;
  /** Gives an id back that `markProcessed` took; an accepted event's id stays. */
  unmarkProcessed(webhookId: string, provider?: string): Promise<void>;
  /**
   * Erases events that have been at rest for `days` (default 7) and deletes marks of that age.
   *
   * @returns how many rows it changed
   */
  cleanupOldEvents(days?: number): Promise<number>;
}

/**
 * What the house asks of a database: whole commands, each atomic and idempotent, each resolved after the fsync.
 * There is no open transaction and no callback inside one. Instants are epoch milliseconds by the caller's clock.
 * Every command rejects with a `WebhookError` `storage_unavailable` where nothing could be stored.
 *
 * @experimental
 */
export interface Storage {
  readonly webhookEvents: WebhookEventRepository;
  readonly about: StorageFacts;

  /** Stores an event and its runs, or finds the event that had the id first. Where a run has a `claim`, it adds a beat, too. */
  accept(event: NewEvent, runs: readonly NewRun[], otherBody: OtherBody): Promise<AcceptOutcome>;
  /**
   * What `accept` would find, without storing anything; null for a new event, and for a new guard key, which only an
   * accept can use up.
   */
  findAccepted(keys: EventKeys, otherBody: OtherBody): Promise<AcceptOutcome | null>;

  /** Hands runs to a process: each gets a new attempt with a higher fence. Where there are any, it adds a beat, and the process if it is gone. */
  claim(command: ClaimCommand): Promise<ClaimOutcome>;
  /** Adds a beat and tells which runs the process still has; null when it was declared dead. */
  beat(processId: string): Promise<readonly AttemptKey[] | null>;
  /** Stores a step's result or a sleep's wake time; false when the attempt is no longer the run's. */
  finishStep(key: AttemptKey, step: NewStep): Promise<boolean>;
  /** Ends an attempt; false when it is no longer the run's. */
  endAttempt(key: AttemptKey, end: AttemptEnd): Promise<boolean>;
  /** Says that nothing of the attempt runs any more, and gives a held run its due time back. */
  settleAttempt(key: AttemptKey, settledAt: number): Promise<void>;

  /** How many runs of these workflows wait for nothing but a slot; `limit` at most. */
  countReady(workflowNames: readonly string[], limit: number): Promise<number>;
  /** The processes that own running runs, with their beats. */
  owners(): Promise<readonly ProcessRecord[]>;
  /** The runs a process owns. */
  ownedRuns(processId: string): Promise<readonly OwnedRun[]>;
  /** Deletes a dead process and frees its runs, unless its beats moved; false when they did. */
  bury(command: BuryCommand): Promise<boolean>;
  /** Deletes the row of a process that stops. */
  leave(processId: string): Promise<void>;

  /** Cancels a queued or running run; null for an unknown one. */
  cancel(runId: string, now: number): Promise<RunChange | null>;
  /** Queues a failed or cancelled run again; null for an unknown one. */
  retry(runId: string, now: number, holdMs: number): Promise<RunChange | null>;
  /** Makes new runs for a stored event, once for each idempotency key. */
  replay(command: ReplayCommand): Promise<ReplayOutcome>;
  /** Erases what an event and its runs hold and keeps the ids; null for an unknown event. */
  erase(eventId: string, now: number): Promise<"erased" | "unfinished" | null>;
  /** One batch of retention: erases and deletes at most `limit` events, and says how many it changed. */
  cleanup(command: CleanupCommand): Promise<number>;

  getRun(runId: string): Promise<RunRecord | null>;
  getEvent(eventId: string): Promise<EventRecord | null>;
  listRuns(query: RunQuery): Promise<Page<RunSummary>>;
  listEvents(query: EventQuery): Promise<Page<EventSummary>>;

  /** True when another process has written since the last call. Cheap, and asks no table. */
  hasChanged(): boolean;
  /** Resolves when a write reached the disk just now, or since the last one that failed. The first one tries an accept. */
  checkReady(): Promise<void>;
  /** Checkpoints and closes. Commands that wait are refused. */
  close(): Promise<void>;
}

export interface StorageFacts {
  /** For the operator: `file:latchhook.db`, `:memory:`. */
  readonly url: string;
  /** False where a power cut forgets everything. */
  readonly isDurable: boolean;
  /** True where several processes may open it at once. */
  readonly isShared: boolean;
  /** Why several processes may not; empty where they may. */
  readonly notSharedBecause: string;
  /** Library and version, such as `node:sqlite 3.53.2`. */
  readonly engine: string;
}

/** What a second body under the same id is. */
export type OtherBody = "conflict" | "duplicate";

/** By what an event is known again. */
export interface EventKeys {
  /** Decides what is the same event; null where the delivery is not deduplicated by an id. */
  idKey: string | null;
  /** A value that counts for one event only: a delivery with one that was seen is a copy of that event, whatever its id. */
  guardKey: string | null;
  /** SHA-256 of the body, 32 bytes. */
  bodyHash: Uint8Array;
}

export interface NewEvent extends EventKeys {
  id: string;
  provider: string;
  idSource: IdSource | null;
  webhookId: string | null;
  type: string | null;
  contentType: string;
  /** The kept headers, names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Uint8Array;
  /** What an operator should know about how it was accepted. */
  notes: readonly string[];
  acceptedAt: number;
}

export interface NewRun {
  id: string;
  workflowName: string;
  /** Where the inputs were refused: the run is stored as failed. */
  error: RunError | null;
  /** Who runs it at once, without a claim of its own; null: it is queued. */
  claim: RunClaim | null;
}

/** A slot that a process keeps for a new run. */
export interface RunClaim {
  process: ProcessIdentity;
  fileHash: string | null;
}

/** A run in an answer to a sender. */
export interface AcceptedRun {
  runId: string;
  workflowName: string;
  status: RunStatus;
}

export interface AcceptOutcome {
  kind: "accepted" | "duplicate" | "conflict";
  eventId: string;
  webhookId: string | null;
  runs: readonly AcceptedRun[];
  /** The new runs that were stored with a `claim`: they are under way, and their process has to begin them. */
  claimed: readonly ClaimedRun[];
}

export interface AttemptKey {
  runId: string;
  fence: number;
}

export interface ClaimCommand {
  process: ProcessIdentity;
  now: number;
  /** Runs to claim at most. */
  limit: number;
  /** In the order of their turn. */
  workflows: readonly ClaimableWorkflow[];
}

export interface ClaimableWorkflow {
  name: string;
  /** Over all processes; null for no limit. */
  concurrency: number | null;
  fileHash: string | null;
}

export interface ClaimOutcome {
  runs: readonly ClaimedRun[];
  /** When the earliest timed run of these workflows comes due after `now`; null for none. */
  nextDueAt: number | null;
}

/** All that an attempt needs to know of its run. */
export interface ClaimedRun extends AttemptKey {
  workflowName: string;
  /** Attempts that counted against `retry.attempts`. */
  failures: number;
  steps: readonly StepRecord[];
  event: StoredEvent;
}

export interface StoredEvent {
  id: string;
  provider: string;
  webhookId: string | null;
  type: string | null;
  headers: Readonly<Record<string, string>>;
  contentType: string;
  body: Uint8Array;
  acceptedAt: number;
}

export interface NewStep {
  name: string;
  kind: StepKind;
  /** JSON; null for a sleep and for `undefined`. */
  result: string | null;
  /** A sleep's wake time. */
  dueAt: number | null;
  endedAt: number | null;
}

export interface AttemptEnd {
  status: Exclude<AttemptStatus, "running" | "cancelled">;
  endedAt: number;
  /** JSON of the run's result; null unless it succeeded. */
  result: string | null;
  error: RunError | null;
  /** What the run is now: at rest, or queued again. */
  next: { status: "succeeded" } | { status: "failed" } | Requeue;
  /** False where something of the attempt still runs: `settleAttempt` follows. */
  isSettled: boolean;
}

/** A run goes back into the queue. */
export interface Requeue {
  status: "queued";
  waitingFor: "retry" | "sleep" | null;
  /** null: as soon as there is a slot. */
  dueAt: number | null;
  /** Not before this time while the attempt has not settled; null where it has. */
  heldUntil: number | null;
}

/** One running Latchhook. */
export interface ProcessIdentity {
  /** Random, new at each start. */
  id: string;
  host: string;
  bootId: string | null;
  pidNamespace: string | null;
  pid: number;
}

export interface ProcessRecord extends ProcessIdentity {
  /** null where the process's row is gone. */
  beats: number | null;
}

export interface OwnedRun extends AttemptKey {
  workflowName: string;
  /** Leases lost in a row with no newly stored step. */
  losses: number;
}

export interface BuryCommand {
  processId: string;
  /** The value that was seen when it was declared dead; null where its row was gone. */
  beats: number | null;
  now: number;
  runs: readonly FreedRun[];
}

/** What becomes of a run whose owner died. */
export interface FreedRun extends AttemptKey {
  next: { status: "queued"; dueAt: number | null } | { status: "failed"; error: RunError };
}

/** A run before and after a person's command. */
export interface RunChange {
  hasChanged: boolean;
  /** What it was before. */
  previous: RunStatus;
  /** True where a retry found that retention had erased the inputs. */
  isErased: boolean;
}

export interface ReplayCommand {
  eventId: string;
  idempotencyKey: string | null;
  runs: readonly NewRun[];
  now: number;
}

export interface ReplayOutcome {
  kind: "accepted" | "duplicate" | "erased" | "unknown";
  webhookId: string | null;
  runs: readonly AcceptedRun[];
}

export interface CleanupCommand {
  now: number;
  /** Erase what has been at rest since before this time. */
  eraseBefore: number;
  /** Delete rows of what has been at rest since before this time. */
  deleteBefore: number;
  /** Delete marks older than this. */
  marksBefore: number;
  limit: number;
}

export interface RunSummary {
  runId: string;
  eventId: string;
  workflowName: string;
  replay: number;
  status: RunStatus;
  /** Of a queued run with a due time; what else it waits for is worked out when read. */
  waitingFor: "retry" | "sleep" | null;
  dueAt: number | null;
  error: RunError | null;
  createdAt: number;
  endedAt: number | null;
}

export interface RunRecord extends RunSummary {
  /** With `eventBody` what the inputs are read from: see `inputsOf`. */
  provider: string;
  /** null where erased. */
  eventBody: Uint8Array | null;
  /** Empty where the event was erased. */
  eventContentType: string;
  result: string | null;
  attempts: readonly AttemptRecord[];
  steps: readonly StepRecord[];
}

export interface AttemptRecord {
  fence: number;
  status: AttemptStatus;
  startedAt: number;
  endedAt: number | null;
  error: RunError | null;
}

export interface StepRecord {
  name: string;
  kind: StepKind;
  result: string | null;
  dueAt: number | null;
  endedAt: number | null;
}

export interface EventSummary {
  eventId: string;
  provider: string;
  webhookId: string | null;
  idSource: IdSource | null;
  type: string | null;
  acceptedAt: number;
  erasedAt: number | null;
  contentType: string;
  notes: readonly string[];
  runs: readonly AcceptedRun[];
}

export interface EventRecord extends EventSummary {
  headers: Readonly<Record<string, string>>;
  /** null where erased. */
  body: Uint8Array | null;
}

/** A page of a list, newest first. */
export interface Page<T> {
  items: readonly T[];
  /** Hand it back as `cursor` for the next page; null at the end. */
  nextCursor: string | null;
}

export interface PageQuery {
  /** Accepted or created at or after. */
  since: number | null;
  /** Before. */
  until: number | null;
  limit: number;
  /** Rejects with `cursor_unknown` where it leads nowhere. */
  cursor: string | null;
}

export interface RunQuery extends PageQuery {
  workflowName: string | null;
  status: RunStatus | null;
  eventId: string | null;
}

export interface EventQuery extends PageQuery {
  provider: string | null;
  webhookId: string | null;
}
