import { createRequire } from "node:module";

/** What SQLite takes and gives. */
export type SqlValue = string | number | null | Uint8Array;
export type Row = Readonly<Record<string, SqlValue>>;

/** A prepared statement. Synchronous, like both libraries behind it. */
export interface Statement {
  /** @returns how many rows it changed, and the number of the row that was inserted last */
  run(...values: readonly SqlValue[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  get(...values: readonly SqlValue[]): unknown;
  all(...values: readonly SqlValue[]): unknown[];
}

/** One connection: the small part that `node:sqlite` and better-sqlite3 have in common. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

/** A library that opens SQLite files. */
export interface Driver {
  /** For the operator. */
  readonly name: string;
  /** What another thread has to `require` for the same library. */
  readonly library: string;
  open(path: string): Database;
}

/** better-sqlite3's major that runs on every Node this project supports. */
const BETTER_SQLITE3_MAJOR = 12;

/**
 * The SQLite library of this runtime: `node:sqlite` where it can be imported, else better-sqlite3. It is tried, not
 * guessed from versions, and a process never loads both: two copies of SQLite on one file lose each other's locks.
 *
 * @throws {Error} neither can be loaded, with what to install
 */
export async function loadDriver(): Promise<Driver> {
  try {
    const { DatabaseSync } = await import("node:sqlite");
    const name = "node:sqlite";
    return { name, library: name, open: (path) => new DatabaseSync(path) as Database };
  } catch (nodeError) {
    // The name is a variable because the package is an optional peer: types and bundlers must not ask for it.
    const name = "better-sqlite3";
    try {
      const { default: BetterSqlite3 } = (await import(name)) as { default: new (path: string) => Database };
      const library = createRequire(import.meta.url).resolve(name);
      return { name, library, open: (path) => new BetterSqlite3(path) };
    } catch (cause) {
      throw new Error(
        `Cannot load SQLite: this runtime has no node:sqlite, and better-sqlite3 does not load; run "npm install better-sqlite3@${BETTER_SQLITE3_MAJOR}" or use Node 22.13 or newer`,
        { cause: new AggregateError([nodeError, cause]) },
      );
    }
  }
}

/** SQLite's primary result codes that the storage decides by. See sqlite.org/rescode.html. */
export const SQLITE = {
  BUSY: 5,
  LOCKED: 6,
  NOMEM: 7,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  PROTOCOL: 15,
  CONSTRAINT: 19,
  NOTADB: 26,
} as const;

const CODES: ReadonlyMap<string, number> = new Map(Object.entries(SQLITE));

/**
 * The primary result code of an error that a driver threw; null for any other error.
 * `node:sqlite` gives the extended code as a number, better-sqlite3 its name (`SQLITE_IOERR_WRITE`).
 */
export function sqliteCode(error: unknown): number | null {
  if (typeof error !== "object" || error === null) return null;
  const number: unknown = Reflect.get(error, "errcode");
  if (typeof number === "number") return number & 0xff;
  const name: unknown = Reflect.get(error, "code");
  if (typeof name !== "string" || !name.startsWith("SQLITE_")) return null;
  return CODES.get(name.split("_")[1] ?? "") ?? null;
}

/** True where another connection holds the lock: try again. */
export function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE.BUSY || code === SQLITE.LOCKED;
}

/** True where the disk, the file or the memory is at fault, not the command. */
export function isFault(error: unknown): boolean {
  const code = sqliteCode(error);
  return (
    code === SQLITE.NOMEM ||
    code === SQLITE.READONLY ||
    code === SQLITE.IOERR ||
    code === SQLITE.CORRUPT ||
    code === SQLITE.FULL ||
    code === SQLITE.CANTOPEN ||
    code === SQLITE.PROTOCOL ||
    code === SQLITE.NOTADB
  );
}
