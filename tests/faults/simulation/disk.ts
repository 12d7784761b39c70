import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, loadDriver, type Row } from "../../../lib/storage/sqlite/driver.ts";
import type { Random } from "./random.ts";

const driver = await loadDriver();

/** What a disk writes whole or not at all, in bytes. */
const SECTOR = 512;

/** Changes with about every commit. */
const CONTENT = `
  SELECT count(*), sum(fence), sum(length(status)),
         (SELECT count(*) FROM webhook_events), (SELECT count(*) FROM steps), (SELECT sum(beats) FROM processes)
  FROM runs`;

/** `PRAGMA synchronous` from which on a commit in WAL mode is synced. */
const FULL = 2;

/** A database file and its log, byte by byte. */
interface Image {
  db: Buffer;
  log: Buffer;
}

/**
 * The disk of a world: real SQLite on real files. What of the log was not synced is known, so that a power cut can
 * forget any sectors of it.
 */
export class Disk {
  readonly #folder: string;
  #generation = 0;
  #observer: Database;
  /** From where on the log is not synced; null where all of it is. */
  #unsyncedFrom: number | null = null;

  constructor(template: Buffer) {
    // In memory where the system has such a folder: the bytes count, not how they are kept.
    this.#folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "latchhook-sim-"));
    writeFileSync(this.path, template);
    this.#observer = driver.open(this.path);
    this.#observer.prepare("SELECT count(*) FROM runs").get();
  }

  get path(): string {
    return join(this.#folder, `${this.#generation}.db`);
  }

  /** A connection of a process. */
  open(path: string): Database {
    return driver.open(path);
  }

  /** What is committed. This connection also keeps others from copying the log when they are closed, as a kill would. */
  rows(sql: string): Row[] {
    return this.#observer.prepare(sql).all() as Row[];
  }

  /** Commits by `commit`, and remembers what of it is not synced. */
  commit(db: Database, commit: () => unknown): unknown {
    const { synchronous } = db.prepare("PRAGMA synchronous").get() as Row;
    const before = Number(synchronous) >= FULL ? null : (this.#unsyncedFrom ?? this.#logBytes());
    const result = commit();
    this.#unsyncedFrom = before;
    return result;
  }

  /**
   * The power fails: what was not synced is there or not, sector by sector. All connections have to be closed.
   *
   * @param before what the files held when the commit under way began; null where none is
   * @returns whether all that had been written is still there
   */
  cut(random: Random, before: Image | null): "spared" | "forgotten" {
    const now = this.image();
    const held = JSON.stringify(this.rows(CONTENT));
    const unsynced = before === null ? this.#unsyncedFrom : 0;
    this.#observer.close();
    this.#generation++;
    if (before === null || before.db.equals(now.db)) {
      const old = before?.log ?? now.log.subarray(0, unsynced ?? now.log.length);
      writeFileSync(this.path, now.db);
      writeFileSync(`${this.path}-wal`, unsynced === null ? now.log : torn(old, now.log, random));
    } else {
      // The commit also copied the log into the database, which it does after it has synced the log.
      writeFileSync(this.path, torn(before.db, now.db, random));
      writeFileSync(`${this.path}-wal`, now.log);
    }
    this.#unsyncedFrom = null;
    this.#observer = driver.open(this.path);
    return JSON.stringify(this.rows(CONTENT)) === held ? "spared" : "forgotten";
  }

  image(): Image {
    const log = `${this.path}-wal`;
    return { db: readFileSync(this.path), log: existsSync(log) ? readFileSync(log) : Buffer.alloc(0) };
  }

  close(): void {
    this.#observer.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #logBytes(): number {
    return statSync(`${this.path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }
}

/** Each sector that differs is the new or the old one; where the old file had ended, nothing or zeros. */
function torn(old: Buffer, now: Buffer, random: Random): Buffer {
  const bytes = Buffer.alloc(Math.max(old.length, now.length));
  let end = old.length;
  // All, none or any of it: where each sector were drawn alone, hardly a commit would ever be whole.
  const share = random.pick([0, 0.5, 0.9, 1]);
  for (let at = 0; at < bytes.length; at += SECTOR) {
    const isNew = random.chance(share);
    bytes.set((isNew ? now : old).subarray(at, at + SECTOR), at);
    if (isNew) end = Math.max(end, Math.min(at + SECTOR, now.length));
  }
  return bytes.subarray(0, end);
}
