import { createHash } from "node:crypto";
import { join } from "node:path";
import { type IdSource, idKeyOf } from "../../lib/event.ts";
import type {
  AttemptEnd,
  ClaimableWorkflow,
  ClaimCommand,
  NewEvent,
  NewRun,
  NewStep,
  PageQuery,
  ProcessIdentity,
  Requeue,
  Storage,
} from "../../lib/repositories.ts";
import { createStorageBackend } from "../../lib/storage/backend.ts";
import { type Database, isBusy, loadDriver, type Row } from "../../lib/storage/sqlite/driver.ts";
import { ManualClock } from "./manual-clock.ts";
import { removeFolder, tempFolder } from "./temp-folder.ts";

const driver = await loadDriver();
let made = 0;

/** A database file in a folder of its own, and all that a test opens on it. */
export class StoredFile {
  readonly clock: ManualClock = new ManualClock();
  readonly folder: string;
  readonly path: string;
  readonly url: string;
  readonly #open: { close(): unknown }[] = [];

  constructor(folder: string) {
    this.folder = folder;
    this.path = join(folder, "test.db");
    this.url = `file:${this.path}`;
  }

  static async make(): Promise<StoredFile> {
    return new StoredFile(await tempFolder());
  }

  /** A storage as one process has it; two of them on the file are as two processes. */
  async open(): Promise<Storage> {
    const storage = await createStorageBackend(this.url, { clock: this.clock, random: () => 0.5 });
    this.#open.push(storage);
    return storage;
  }

  /** A plain connection: another program that holds a lock, or a look at what is stored. */
  connect(path = this.path): Database {
    const db = driver.open(path);
    let isOpen = true;
    const close = db.close.bind(db);
    db.close = () => {
      if (isOpen) close();
      isOpen = false;
    };
    this.#open.push(db);
    return db;
  }

  /** All rows of a query, on a connection that is closed again. */
  rows(sql: string): Row[] {
    const db = driver.open(this.path);
    try {
      return (db.prepare(sql).all() as Row[]).map((row) => ({ ...row }));
    } finally {
      db.close();
    }
  }

  /** True where nobody holds the lock for writing. */
  isFree(): boolean {
    const db = driver.open(this.path);
    try {
      db.exec("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK");
      return true;
    } catch (error) {
      if (isBusy(error)) return false;
      throw error;
    } finally {
      db.close();
    }
  }

  count(from: string): number {
    return Number(this.rows(`SELECT count(*) AS n FROM ${from}`)[0]?.n);
  }

  async close(): Promise<void> {
    for (const each of this.#open.reverse()) await each.close();
    await removeFolder(this.folder);
  }
}

/** A delivered event; without a webhookId it is not deduplicated. */
export function eventOf(webhookId: string | null, given: Partial<NewEvent> = {}): NewEvent {
  const provider = given.provider ?? "generic";
  const source: IdSource | null = given.idSource ?? (webhookId === null ? null : "body");
  const body = given.body ?? new TextEncoder().encode('{"workflow_name":"a","inputs":{"topic":"AI"}}');
  return {
    id: `evt_${++made}`,
    provider,
    idSource: source,
    webhookId,
    idKey: webhookId === null || source === null ? null : idKeyOf(provider, source, webhookId),
    guardKey: null,
    bodyHash: Uint8Array.from(createHash("sha256").update(body).digest()),
    type: null,
    contentType: "application/json",
    headers: {},
    body,
    notes: [],
    acceptedAt: 1_000,
    ...given,
  };
}

export function runOf(workflowName = "a", given: Partial<NewRun> = {}): NewRun {
  return { id: `run_${++made}`, workflowName, error: null, claim: null, ...given };
}

/** Accepts an event with one run of each workflow. @returns the ids of the runs */
export async function acceptRuns(storage: Storage, ...workflows: readonly string[]): Promise<string[]> {
  const runs = workflows.map((name) => runOf(name));
  await storage.accept(eventOf(null), runs, "conflict");
  return runs.map((run) => run.id);
}

/** Accepts so many events, each with one run of the workflow. @returns the ids of the runs, in order */
export async function acceptMany(storage: Storage, workflow: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let at = 0; at < count; at++) ids.push(...(await acceptRuns(storage, workflow)));
  return ids;
}

export function processOf(id: string): ProcessIdentity {
  return { id, host: "host", bootId: "boot", pidNamespace: "pid:[1]", pid: 1 };
}

/** A claim of process `p1` for workflow `a`, unless it is told otherwise; a workflow may be named by its name alone. */
export function claimOf(
  given: Omit<Partial<ClaimCommand>, "workflows" | "process"> & {
    process?: string;
    workflows?: readonly (string | ClaimableWorkflow)[];
  } = {},
): ClaimCommand {
  const { process = "p1", workflows = ["a"], ...rest } = given;
  return {
    process: processOf(process),
    workflows: workflows.map((workflow) =>
      typeof workflow === "string" ? { name: workflow, concurrency: null, fileHash: null } : workflow,
    ),
    now: 2_000,
    limit: 16,
    ...rest,
  };
}

export function stepOf(name: string, given: Partial<NewStep> = {}): NewStep {
  return { name, kind: "step", result: '"done"', dueAt: null, endedAt: 3_000, ...given };
}

/** The end of an attempt that succeeded; `next` follows from the status where it is not given. */
export function endOf(
  status: AttemptEnd["status"] = "succeeded",
  given: Partial<AttemptEnd> = {},
): AttemptEnd {
  const isBad = status === "failed" || status === "timed_out";
  return {
    status,
    endedAt: 4_000,
    result: status === "succeeded" ? '"result"' : null,
    error: isBad ? { code: "error", message: "it broke" } : null,
    next: status === "succeeded" ? { status } : requeueOf(),
    isSettled: true,
    ...given,
  };
}

export function requeueOf(given: Partial<Requeue> = {}): Requeue {
  return { status: "queued", waitingFor: null, dueAt: null, heldUntil: null, ...given };
}

/** The first page, of up to 50. */
export const firstPage: PageQuery = { since: null, until: null, limit: 50, cursor: null };
