import { statSync } from "node:fs";

/**
 * Notices that a database's files are no longer where they were opened. SQLite writes on to files that were removed or
 * moved, and what it commits there is gone with the process; so somebody has to look before a commit is promised.
 */
export class FilePlace {
  readonly #path: string;
  readonly #opened: string;

  /** @param path of the open database, absolute */
  constructor(path: string) {
    this.#path = path;
    this.#opened = this.#look();
  }

  /** @throws {Error} a fault of the disk, until the same files are back */
  check(): void {
    if (this.#look() === this.#opened) return;
    const message = `${this.#path}, or its -wal or -shm, is no longer where it was opened; put the same files back, or restart to use what is there`;
    // SQLite's own code for this, which it gives without a write-ahead log only.
    throw Object.assign(new Error(message), { code: "SQLITE_READONLY_DBMOVED" });
  }

  /** The files' identities. Nothing is opened: closing a handle to them would drop SQLite's locks. */
  #look(): string {
    return ["", "-wal", "-shm"].map((ending) => identityOf(`${this.#path}${ending}`)).join();
  }
}

function identityOf(path: string): string {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return "none";
  }
}
