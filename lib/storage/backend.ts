import { type Clock, systemClock } from "../clock.ts";
import type { Storage } from "../repositories.ts";
import { openDatabase, openError } from "./sqlite/open.ts";
import { SqliteStorage } from "./sqlite/sqlite-storage.ts";

/**
 * Opens the storage behind a database URL, making and upgrading the file where that is needed.
 *
 * @param url `file:PATH` or `:memory:` (forgets everything at its end); default `file:latchhook.db`
 * @param givens the clock, and a number in [0, 1) for jitter, injected by tests
 * @returns the commands; close it when you are done
 * @throws {TypeError} a URL that is not understood
 * @throws {Error} one line that says why the database cannot be used
 */
export async function createStorageBackend(
  url = "file:latchhook.db",
  givens: { clock?: Clock; random?: () => number } = {},
): Promise<Storage> {
  const clock = givens.clock ?? systemClock;
  if (/^postgres(ql)?:/.test(url)) {
    throw new TypeError(
      'Cannot use a PostgreSQL database: this Latchhook stores in SQLite; give "file:PATH"',
    );
  }
  const opened = await openDatabase(url, clock);
  try {
    return new SqliteStorage(url, opened, clock, givens.random ?? Math.random);
  } catch (error) {
    opened.db.close();
    throw openError(error, url);
  }
}
