import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/** The part of better-sqlite3 that the peers use; it comes without types. */
export interface PeerDatabase {
  exec(sql: string): void;
  pragma(text: string): unknown;
  prepare(sql: string): PeerStatement;
  transaction<A extends readonly unknown[], R>(fn: (...args: A) => R): (...args: A) => R;
  close(): void;
}

export interface PeerStatement {
  run(...values: readonly unknown[]): { changes: number; lastInsertRowid: number | bigint };
  get(...values: readonly unknown[]): unknown;
}

/** A file, and which SQLite it is opened with. */
export interface OpenedPeer {
  db: PeerDatabase;
  about: Record<string, string>;
}

/** Opens the file that the bench names, with the project's own build of SQLite, so that no side has a better one. */
export async function openPeerDatabase(): Promise<OpenedPeer> {
  const name = "better-sqlite3";
  const { default: BetterSqlite3 } = (await import(name)) as { default: new (path: string) => PeerDatabase };
  const db = new BetterSqlite3(process.env.BENCH_DATABASE ?? "");
  const { version } = db.prepare("SELECT sqlite_version() AS version").get() as { version: string };
  return { db, about: { engine: `better-sqlite3 ${version}` } };
}

/** Imports a package from `bench/.peers/`, where the bench has installed those that the project does not depend on. */
export async function importPeer<T>(name: string): Promise<T> {
  const require = createRequire(new URL("../.peers/package.json", import.meta.url));
  return (await import(pathToFileURL(require.resolve(name)).href)) as T;
}
