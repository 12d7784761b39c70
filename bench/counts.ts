import type { Row } from "../lib/storage/sqlite/driver.ts";
import { loadDriver } from "../lib/storage/sqlite/driver.ts";
import type { Contestant } from "./contestants.ts";
import { countStored } from "./stored.ts";

/** What is in a server's file. */
export interface Counts {
  events: number;
  succeeded: number;
}

const STATEMENTS = {
  peer: ["SELECT count(*) AS n FROM events", "SELECT 0 AS n"],
  plainjob: [
    "SELECT count(*) AS n FROM plainjob_jobs",
    "SELECT count(*) AS n FROM plainjob_jobs WHERE status = 2",
  ],
} as const;

/** Counts after the server has ended, or beside it. */
export async function countIn(tables: NonNullable<Contestant["tables"]>, file: string): Promise<Counts> {
  if (tables === "latchhook") return countStored(file);
  const db = (await loadDriver()).open(file);
  try {
    const [events = 0, succeeded = 0] = STATEMENTS[tables].map((sql) =>
      Number((db.prepare(sql).get() as Row).n),
    );
    return { events, succeeded };
  } finally {
    db.close();
  }
}
