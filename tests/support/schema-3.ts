import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { StoredFile } from "./stored.ts";

/**
 * The schema of the first release as SQLite kept it, with an event that is done, one of GitHub with a queued run, one
 * that a dead process runs, one that is erased, one without an id, a replay and a mark.
 */
export const SCHEMA_3: string = fileURLToPath(new URL("../fixtures/schema-3.sql", import.meta.url));

/** Makes a file as the first release left it. */
export function writeSchema3(file: StoredFile, path: string = file.path): void {
  const db = file.connect(path);
  db.exec(`BEGIN; ${readFileSync(SCHEMA_3, "utf8")} COMMIT`);
  db.close();
}
