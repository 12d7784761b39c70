import { constants, copyFileSync, existsSync, rmSync } from "node:fs";
import type { Row } from "../../../lib/storage/sqlite/driver.ts";
import { StoredFile } from "../../support/stored.ts";
import { tempFolder } from "../../support/temp-folder.ts";

/** What was under way when a server was killed, as its database says. */
export interface Look {
  /** Runs with an owner. */
  running: { id: string; fence: number }[];
  /** Runs that wait for a slot, for the end of a sleep, or for their next attempt. */
  queued: number;
  sleeping: number;
  backingOff: number;
  /** Runs whose sleep is stored and whose attempt has not ended yet. */
  parking: number;
  /** Which of the asked ids are stored. */
  stored: ReadonlySet<string>;
  /** Events erased although one of their runs is unfinished. */
  erasedUnfinished: string[];
}

/** Looks at dead servers' databases: at a copy, so that recovery and the first checkpoint are left to the next server. */
export class Looker {
  readonly #copy: StoredFile;

  private constructor(copy: StoredFile) {
    this.#copy = copy;
  }

  static async make(): Promise<Looker> {
    return new Looker(new StoredFile(await tempFolder()));
  }

  /** Rows of a copy of the database. */
  read<T>(path: string, read: (rows: (sql: string) => Row[]) => T): T {
    for (const suffix of ["", "-wal", "-shm"]) rmSync(this.#copy.path + suffix, { force: true });
    for (const suffix of ["", "-wal"]) {
      if (existsSync(path + suffix))
        copyFileSync(path + suffix, this.#copy.path + suffix, constants.COPYFILE_FICLONE);
    }
    const db = this.#copy.connect();
    try {
      return read((sql) => db.prepare(sql).all() as Row[]);
    } finally {
      db.close();
    }
  }

  /** @returns null where the server did not come as far as its tables */
  look(path: string, ids: readonly string[], killedAt: number): Look | null {
    return this.read(path, (rows) => {
      if (rows("SELECT name FROM sqlite_schema WHERE name = 'runs'").length === 0) return null;
      const count = (where: string): number =>
        Number(rows(`SELECT count(*) AS n FROM runs r WHERE ${where}`)[0]?.n);
      const list = ids.map((id) => `'${id}'`).join(",");
      return {
        running: rows("SELECT id, fence FROM runs WHERE status = 'running'").map(({ id, fence }) => ({
          id: String(id),
          fence: Number(fence),
        })),
        queued: count("status = 'queued' AND due_at IS NULL"),
        sleeping: count("status = 'queued' AND waiting_for = 'sleep'"),
        backingOff: count("status = 'queued' AND waiting_for = 'retry'"),
        parking: count(`status = 'running' AND EXISTS (
          SELECT 1 FROM steps s WHERE s.run_seq = r.seq AND s.kind = 'sleep' AND s.due_at > ${killedAt})`),
        stored: new Set(
          rows(`SELECT webhook_id FROM webhook_events WHERE webhook_id IN (${list})`).map(({ webhook_id }) =>
            String(webhook_id),
          ),
        ),
        erasedUnfinished: rows(`
          SELECT r.id FROM runs r JOIN webhook_events e ON e.seq = r.event_seq
          WHERE r.status IN ('queued', 'running') AND e.erased_at IS NOT NULL`).map(({ id }) => String(id)),
      };
    });
  }

  async close(): Promise<void> {
    await this.#copy.close();
  }
}
