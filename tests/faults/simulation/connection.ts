import type { Database, Statement } from "../../../lib/storage/sqlite/driver.ts";
import type { Machine } from "./machine.ts";
import type { SimProcess } from "./sim-process.ts";

/** What a statement does, as far as faults tell them apart. */
export type StatementKind = "begin" | "commit" | "rollback" | "write" | "read";

/** What goes wrong at a statement. */
export type StatementFault =
  /** The process is killed, and with it what was not committed. */
  | "kill before"
  | "kill after"
  /** The power fails; at a commit it may be in the midst of it. */
  | "power cut"
  /** Another connection has the lock. */
  | "busy"
  /** The disk is full, the disk fails, memory is short: SQLite rolls back by itself. */
  | "full"
  | "ioerr"
  | "nomem"
  /** It fails for its own sake, and the transaction stays open. */
  | "refused"
  /** A commit is reported as failed and was made. */
  | "unknown outcome";

/** SQLite's codes, see sqlite.org/rescode.html. */
const CODES: Partial<Record<StatementFault, number>> = {
  busy: 5,
  full: 13,
  ioerr: 10,
  nomem: 7,
  refused: 18,
  "unknown outcome": 10,
};

/** Thrown through the code of a process that has just died, where nobody looks at it any more. */
export class GoneError extends Error {
  override name = "GoneError";
}

/** `node:sqlite` as a process of a world finds it: real SQLite, at whose statements things go wrong. */
export function libraryFor(machine: Machine, process: SimProcess): unknown {
  return {
    DatabaseSync: class {
      constructor(path: string) {
        // biome-ignore lint/correctness/noConstructorReturn: it stands for the library's class, and is made in one place
        return new Connection(machine, process, machine.disk.open(path));
      }
    },
  };
}

class Connection implements Database {
  readonly #machine: Machine;
  readonly #process: SimProcess;
  readonly #real: Database;
  #isOpen = true;

  constructor(machine: Machine, process: SimProcess, real: Database) {
    this.#machine = machine;
    this.#process = process;
    this.#real = real;
    process.connections.add(this);
    real.exec(`PRAGMA wal_autocheckpoint = ${machine.weather.checkpointPages}`);
  }

  exec(sql: string): void {
    this.#process.refuseDead();
    this.#real.exec(sql);
  }

  /** Prepared by SQLite when it is first used: most processes of a world live too short to use them all. */
  prepare(sql: string): Statement {
    let statement: Statement | null = null;
    const real = (): Statement => {
      statement ??= this.#real.prepare(sql);
      return statement;
    };
    const kind = kindOf(sql);
    const isRegister = sql.includes("INSERT INTO processes");
    const isOwned = sql.includes("FROM runs WHERE owner = ?");
    return {
      run: (...values) => {
        if (isRegister) this.#process.id = values[0];
        return this.#around(kind, sql, () => real().run(...values)) as ReturnType<Statement["run"]>;
      },
      get: (...values) => this.#around(kind, sql, () => real().get(...values)),
      all: (...values) => {
        const rows = this.#around(kind, sql, () => real().all(...values)) as unknown[];
        if (isOwned) this.#machine.aboutToBury(values[0], this.#process);
        return rows;
      },
    };
  }

  /** After a kill nothing is copied or said any more: what is open is rolled back. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#process.connections.delete(this);
    this.#real.close();
  }

  #around(kind: StatementKind, sql: string, run: () => unknown): unknown {
    const [machine, process] = [this.#machine, this.#process];
    process.refuseDead();
    machine.work(kind);
    const act = kind === "commit" ? () => machine.disk.commit(this.#real, run) : run;
    const fault = machine.faultAt(process, kind);
    if (fault === null) {
      const result = act();
      if (kind !== "read") machine.world.say(process.name, sql.trim().slice(0, 40));
      return result;
    }
    machine.world.say(process.name, `${fault} at ${sql.trim().slice(0, 40)}`);
    machine.world.count(`${fault} at ${kind}`);
    switch (fault) {
      case "kill before":
      case "kill after":
        if (fault === "kill after") act();
        machine.kill(process);
        throw new GoneError("killed");
      case "power cut": {
        const before = kind === "commit" ? machine.disk.image() : null;
        act();
        machine.cutPower(before);
        throw new GoneError("the power failed");
      }
      case "unknown outcome":
        act();
        break;
      case "full":
      case "ioerr":
      case "nomem":
        this.#rollBack();
    }
    throw Object.assign(new Error(`simulated: ${fault}`), { errcode: CODES[fault] });
  }

  #rollBack(): void {
    try {
      this.#real.exec("ROLLBACK");
    } catch {
      // Nothing was open.
    }
  }
}

function kindOf(sql: string): StatementKind {
  const word = /^\s*(\w+)/.exec(sql)?.[1]?.toUpperCase();
  if (word === "BEGIN") return sql.includes("IMMEDIATE") ? "begin" : "read";
  if (word === "COMMIT") return "commit";
  if (word === "ROLLBACK") return "rollback";
  return word === "SELECT" || word === "PRAGMA" ? "read" : "write";
}
