import { parseArgs } from "node:util";

/** What the command line says. */
export interface Options {
  isQuick: boolean;
  rounds: number;
  seconds: number;
  /** Names of measurements; empty for all. */
  measures: readonly string[];
  /** Names of servers; empty for all. */
  servers: readonly string[];
  isWriting: boolean;
  /** Events in the full file. */
  rows: number;
  burst: number;
  idleSeconds: number;
}

/**
 * @param measures the measurements that there are
 * @param servers the servers that there are
 * @throws {Error} an unknown name, or a number out of bounds
 */
export function parseOptions(
  args: readonly string[],
  measures: readonly string[],
  servers: readonly string[],
): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string", default: "" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      rows: { type: "string" },
      "no-write": { type: "boolean", default: false },
    },
  });
  const isQuick = values.quick;
  const names = values.only.split(",").filter((name) => name !== "");
  for (const name of names) {
    if (measures.includes(name) || servers.includes(name)) continue;
    throw new Error(`Cannot run --only ${name}: known are ${[...measures, ...servers].join(", ")}`);
  }
  return {
    isQuick,
    rounds: wholeNumber("rounds", values.rounds, isQuick ? 1 : 5),
    seconds: wholeNumber("seconds", values.seconds, isQuick ? 1 : 5),
    measures: names.filter((name) => measures.includes(name)),
    servers: names.filter((name) => servers.includes(name)),
    // A part of the figures must not take the place of all of them.
    isWriting: !values["no-write"] && names.length === 0,
    rows: wholeNumber("rows", values.rows, isQuick ? 100_000 : 5_000_000),
    burst: isQuick ? 5_000 : 100_000,
    idleSeconds: isQuick ? 2 : 30,
  };
}

function wholeNumber(name: string, text: string | undefined, usual: number): number {
  const value = text === undefined ? usual : Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new Error(`Cannot use --${name} ${text}: give a whole number from 1`);
}
