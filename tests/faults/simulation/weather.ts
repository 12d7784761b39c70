import type { StatementFault, StatementKind } from "./connection.ts";
import type { Machine } from "./machine.ts";
import type { Random } from "./random.ts";
import type { Slot } from "./sim-process.ts";

/** Something that goes wrong, and when. */
export interface Disturbance {
  /** Milliseconds from the beginning. */
  readonly at: number;
  readonly kind: "kill" | "freeze" | "power" | "stop" | "lock" | "jump" | "days" | "statement";
  /** Whom it meets; of a statement null for whoever comes first. */
  readonly slot: string | null;
  /** True where it waits until a workflow is at work there. */
  readonly isAtLine: boolean;
  /** How long a freeze or a lock lasts, or how far a clock jumps. */
  readonly ms: number;
  readonly on: StatementKind;
  readonly skip: number;
  readonly fault: StatementFault;
}

/** What a world is like. */
export interface Weather {
  readonly slots: readonly Slot[];
  /** Work comes and things go wrong until then; afterwards nothing does. */
  readonly horizonMs: number;
  /** The longest that a statement, and that a commit takes, in milliseconds. */
  readonly statementMs: number;
  readonly commitMs: number;
  /** After so many pages of log a commit also copies it into the database. */
  readonly checkpointPages: number;
  /** Ids are moved early and share their hashes, so that few are enough to meet what millions would. */
  readonly index: { idHashBits: number; idsCollectedMax: number };
  readonly disturbances: readonly Disturbance[];
}

const KINDS: readonly Disturbance["kind"][] = [
  "kill",
  "freeze",
  "freeze",
  "power",
  "stop",
  "lock",
  "jump",
  "days",
  "statement",
  "statement",
  "statement",
  "statement",
  "statement",
];

/** What may go wrong at which statement. */
const AT_STATEMENTS: Readonly<Record<Exclude<StatementKind, "rollback">, readonly StatementFault[]>> = {
  begin: ["kill before", "kill after", "busy", "ioerr"],
  write: ["kill before", "kill after", "power cut", "full", "ioerr", "nomem", "refused", "refused"],
  read: ["kill before", "ioerr", "nomem"],
  commit: ["kill before", "kill after", "power cut", "full", "ioerr", "unknown outcome", "unknown outcome"],
};

/** Each world knows only some of the troubles: where all are at work, each hides what another would show. */
export function weatherOf(random: Random): Weather {
  const horizonMs = random.pick([3_000, 10_000, 30_000]);
  const slots = slotsOf(random);
  // Some know nothing but freezes: what a process does that wakes up is seldom the first thing to go wrong elsewhere.
  const isCold = random.chance(0.2);
  const kinds = isCold ? (["freeze"] as const) : KINDS.filter(() => random.chance(0.4));
  const statements = (["begin", "write", "write", "read", "commit", "commit"] as const).filter(() =>
    random.chance(0.5),
  );
  const count = kinds.length === 0 ? 0 : random.pick([2, 6, 14]);
  const disturbances = Array.from({ length: count }, (): Disturbance => {
    const kind = random.pick(kinds);
    const on = statements.length === 0 ? "commit" : random.pick(statements);
    const isAnybody = kind === "statement" && random.chance(0.3);
    return {
      at: random.between(0, horizonMs),
      kind,
      slot: isAnybody ? null : random.pick(slots).name,
      isAtLine: random.chance(0.7),
      ms: lengthOf(kind, random),
      on,
      skip: on === "read" || on === "write" ? random.between(0, 12) : random.between(0, 3),
      fault: random.pick(AT_STATEMENTS[on]),
    };
  });
  return {
    slots,
    horizonMs,
    statementMs: random.pick([0, 0, 0, 2, 25]),
    commitMs: random.pick([0, 4, 60]),
    checkpointPages: random.pick([12, 1_000]),
    index: { idHashBits: random.pick([3, 48]), idsCollectedMax: random.pick([2, 5, 100_000]) },
    disturbances,
  };
}

function slotsOf(random: Random): Slot[] {
  const count = random.pick([1, 1, 2, 2, 2, 3]);
  const roles =
    count > 1 && random.chance(0.3) ? (["serve", "work", "work"] as const) : (["all", "all", "all"] as const);
  const isSkewed = random.chance(0.25);
  return roles.slice(0, count).map((role, at) => ({
    name: "ABC".charAt(at),
    role,
    concurrency: random.pick([1, 2, 4, 16]),
    isContained: random.chance(0.6),
    skewMs: isSkewed ? random.between(-20_000, 20_000) : 0,
  }));
}

function lengthOf(kind: Disturbance["kind"], random: Random): number {
  switch (kind) {
    case "freeze":
      // About as long as others need to think it dead, or a moment.
      return random.pick([
        random.between(11_000, 16_000),
        random.between(11_000, 16_000),
        random.between(50, 11_000),
        random.between(16_000, 40_000),
      ]);
    case "lock":
      return random.pick([random.between(10, 900), random.between(10, 900), random.between(3_000, 6_500)]);
    case "jump":
      return random.between(-15_000, 15_000);
    default:
      return random.between(25 * 3_600_000, 72 * 3_600_000);
  }
}

/** It goes wrong now. */
export function disturb(machine: Machine, disturbance: Disturbance): void {
  const { world } = machine;
  const { kind, slot, ms, on, skip, fault } = disturbance;
  if (kind === "statement") return void machine.armed.push({ slot, on, skip, fault });
  const found = machine.weather.slots.find(({ name }) => name === slot);
  const process = found === undefined ? undefined : machine.processOf(found);
  if (found === undefined || process === undefined) return;
  world.count(kind === "power" ? "power cut at any time" : kind);
  if (kind === "kill") machine.kill(process);
  if (kind === "freeze") machine.freeze(process, ms);
  if (kind === "power") machine.cutPower();
  if (kind === "stop") machine.stop(process);
  if (kind === "lock") machine.lock(ms);
  if (kind === "jump") {
    found.skewMs += ms;
    world.say(process.name, `has its wall clock set by ${ms} ms`);
  }
  if (kind === "days") {
    machine.daysMs += ms;
    world.say("machine", `has slept for ${ms} ms`);
  }
}

/** One line of it. */
export function describeDisturbance({ at, kind, slot, isAtLine, ms, on, skip, fault }: Disturbance): string {
  const what =
    kind === "statement" ? `${fault} at ${on} after ${skip}` : `${kind} ${ms}${isAtLine ? " at a line" : ""}`;
  return `${at} ${slot ?? "anybody"}: ${what}`;
}
