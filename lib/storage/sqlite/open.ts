import { accessSync, closeSync, constants, existsSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Clock, pause } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import type { CheckpointFile } from "./checkpoints.ts";
import { type Database, isBusy, loadDriver, type Row, SQLITE, sqliteCode } from "./driver.ts";
import { checkSchema, raiseSchema } from "./schema.ts";

/** An open database with its pragmas set and its schema raised. */
export interface OpenDatabase {
  db: Database;
  /** Absolute; null for one in memory. */
  path: string | null;
  engine: string;
  /** Why no second connection may open the file; empty where one may. */
  notSharedBecause: string;
  /** For a second connection of our own; null where there may be none. */
  checkpointFile: CheckpointFile | null;
}

/** What every connection to the file is set to. */
const DURABLE: readonly string[] = [
  "synchronous = FULL", // a commit is on disk when it returns
  "fullfsync = ON", // on macOS a plain fsync stops at the drive's cache
  "checkpoint_fullfsync = ON",
  "mmap_size = 0", // a mapped file that is cut short from outside ends the process with SIGBUS instead of an error
];

/** Waiting for a lock inside SQLite freezes the event loop, so it is kept to a few milliseconds. */
const BUSY_TIMEOUT_MS = 5;

/** How long an open waits for another process that opens or upgrades the same file. */
const OPEN_PATIENCE_MS = 5_000;

/**
 * Opens a database file, made with mode 0600 where it is missing.
 *
 * @param url `:memory:`, or `file:PATH` with a path that is absolute or relative to the working folder
 * @throws {Error} with one line: no such folder, no access, not a database, another program's, a newer version's
 */
export async function openDatabase(url: string, clock: Clock): Promise<OpenDatabase> {
  const path = databasePath(url);
  if (path !== ":memory:") {
    createFile(path, url);
    checkAccess(path, url);
  }
  const driver = await loadDriver();
  const db = openFile(() => driver.open(path), url);
  try {
    const version = await patiently(clock, url, () => prepareConnection(db, url));
    const notSharedBecause = reasonNotToShare(path, version);
    const isShared = notSharedBecause === "";
    return {
      db,
      path: path === ":memory:" ? null : resolve(path),
      engine: `${driver.name} ${version}`,
      notSharedBecause,
      checkpointFile: isShared ? { library: driver.library, path: resolve(path), pragmas: DURABLE } : null,
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

function reasonNotToShare(path: string, version: string): string {
  if (path === ":memory:") return "a database in memory belongs to one process";
  if (!hasWalResetBug(version)) return "";
  return `SQLite ${version} of this runtime can lose commits when two connections share a file; upgrade to a runtime with SQLite 3.51.3, 3.50.7, 3.44.6 or newer`;
}

/**
 * The path in a database URL. It is SQLite's own short form (`file:latchhook.db`), or a full file URL.
 *
 * @throws {TypeError} any other form
 */
export function databasePath(url: string): string {
  if (url === ":memory:") return url;
  // SQLite would read parameters and its other name for memory out of a path, and a volatile one would pass for a file.
  if (url.startsWith("file:") && url.length > "file:".length && !/\?|^file::memory:$/.test(url))
    return url.startsWith("file://") ? fileURLToPath(url) : url.slice("file:".length);
  throw new TypeError(`Cannot use ${JSON.stringify(url)} as database: give "file:PATH" or ":memory:"`);
}

/**
 * True for the SQLite versions 3.7.0 to 3.51.2 that can lose commits when a WAL is reset while a second connection
 * writes. Fixed in 3.51.3 and in the branches 3.50.7 and 3.44.6.
 *
 * @see https://sqlite.org/wal.html "the WAL-reset bug"
 */
export function hasWalResetBug(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  if (major !== 3) return major < 3;
  if (minor === 44) return patch < 6;
  if (minor === 50) return patch < 7;
  if (minor === 51) return patch < 3;
  return minor < 51;
}

/** Made and closed before SQLite opens it: closing a second handle later would drop SQLite's locks on the file. */
function createFile(path: string, url: string): void {
  try {
    closeSync(openSync(path, "ax", 0o600));
  } catch (error) {
    if (codeOf(error) === "EEXIST" && existsSync(path)) return;
    throw new Error(`Cannot make database ${url}: ${reasonOf(error, path)}`, { cause: error });
  }
}

/** SQLite opens a file that may only be read without a word, and every delivery would be refused. */
function checkAccess(path: string, url: string): void {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw notOpened(url, NO_RIGHTS, error);
  }
}

function reasonOf(error: unknown, path: string): string {
  if (!existsSync(dirname(path))) return `its folder ${dirname(path)} does not exist`;
  // Through such a link SQLite would make the file itself, readable by others.
  return codeOf(error) === "EEXIST" ? "it is a link to a file that does not exist" : messageOf(error);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error ? Reflect.get(error, "code") : undefined;
}

function openFile(open: () => Database, url: string): Database {
  try {
    return open();
  } catch (cause) {
    throw sqliteCode(cause) === null ? notOpened(url, messageOf(cause), cause) : openError(cause, url);
  }
}

/** @returns SQLite's version: even asking for it reads the file, and may find a lock or no database */
function prepareConnection(db: Database, url: string): string {
  db.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const { version } = db.prepare("SELECT sqlite_version() AS version").get() as { version: string };
  if (hasWalResetBug(version) && databasePath(url) !== ":memory:") db.exec("PRAGMA locking_mode = EXCLUSIVE");
  // Before the journal mode, which is written into the file: what is not ours stays as it is.
  checkSchema(db, url);
  const { journal_mode: mode } = db.prepare("PRAGMA journal_mode = WAL").get() as Row;
  if (mode !== "wal" && mode !== "memory") {
    throw new Error(`Cannot use database ${url}: its file system has no write-ahead log (it gave ${mode})`);
  }
  for (const pragma of [...DURABLE, "foreign_keys = ON"]) db.exec(`PRAGMA ${pragma}`);
  // Prepared, not by exec: on Deno what exec throws has no code, and a lock would not be known as one.
  db.prepare("BEGIN IMMEDIATE").run();
  try {
    raiseSchema(db, url);
    db.prepare("COMMIT").run();
    return version;
  } catch (error) {
    rollBack(db);
    throw error;
  }
}

/** SQLite rolls back by itself on some faults, and then its complaint must not hide the fault. */
function rollBack(db: Database): void {
  try {
    db.prepare("ROLLBACK").run();
  } catch {
    // "cannot rollback - no transaction is active"
  }
}

async function patiently<T>(clock: Clock, url: string, prepare: () => T): Promise<T> {
  const patienceEndsAt = clock.monotonic() + OPEN_PATIENCE_MS;
  for (;;) {
    try {
      return prepare();
    } catch (error) {
      if (!isBusy(error)) throw openError(error, url);
      if (clock.monotonic() >= patienceEndsAt) {
        throw new Error(`Cannot open database ${url}: another process holds its lock`, { cause: error });
      }
      await pause(clock, BUSY_TIMEOUT_MS);
    }
  }
}

const NO_RIGHTS =
  "this user may not write to it; give this user the file, its -wal and -shm and their folder, on a disk that is not read-only";

/** What SQLite's short words mean for who reads them, and what to do. */
const REASONS: ReadonlyMap<number, string> = new Map([
  [SQLITE.NOTADB, "the file is not an SQLite database; move it away, or name another"],
  [SQLITE.READONLY, NO_RIGHTS],
  [SQLITE.CANTOPEN, `it, its -wal or its -shm cannot be opened: ${NO_RIGHTS}`],
  [SQLITE.CORRUPT, "the file is damaged; restore a backup, or move it away to begin a new one"],
  [SQLITE.FULL, "its disk is full; make room"],
  [SQLITE.IOERR, "its disk cannot be read or written; see whether it is full or failing"],
]);

/** The one line that says why a database cannot be used; what is no fault of SQLite's stays as it is. */
export function openError(error: unknown, url: string): unknown {
  const code = sqliteCode(error);
  if (code === null) return error;
  return notOpened(url, REASONS.get(code) ?? messageOf(error), error);
}

function notOpened(url: string, reason: string, cause: unknown): Error {
  return new Error(`Cannot open database ${url}: ${reason}`, { cause });
}
