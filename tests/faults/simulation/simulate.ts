import { auditEnd, auditMoment, countUnfinished } from "./audit.ts";
import { GoneError } from "./connection.ts";
import { Crowd } from "./crowd.ts";
import { Disk } from "./disk.ts";
import { Machine } from "./machine.ts";
import type { Program } from "./program.ts";
import { Random } from "./random.ts";
import { describeDisturbance, type Weather, weatherOf } from "./weather.ts";
import { World } from "./world.ts";

/** What a seed did. */
export interface Report {
  readonly seed: number;
  /** Broken promises; empty where all was kept. */
  readonly faults: readonly string[];
  readonly hash: string;
  readonly counts: ReadonlyMap<string, number>;
  readonly weather: Weather;
  readonly lines: readonly string[] | null;
  /** How long the world existed, in its own milliseconds. */
  readonly ms: number;
}

/** How long all may take to come to rest once nothing goes wrong any more: a hold and some backoffs. */
const REST_MS = 10 * 60_000;

/** How long a last graceful stop of all may take. */
const STOP_MS = 15_000;

/** Between two looks at what has to hold at any moment. */
const LOOK_MS = 97;

/**
 * One world from its beginning to its audit: real code and real SQLite, and all around them is made up. The seed decides
 * everything: what the machine is like, who sends what, what goes wrong, and in which order what is ready goes. Clocks,
 * chance, ids, pids, turns of the event loop and the network are the world's own, and promises run in the order in which
 * the engine runs them, so a seed does the same each time on one version of the engine and of SQLite.
 *
 * Not in it are sockets, the checkpoint thread, the watchdog and the loading of workflow files. A process is killed at a
 * statement, or between two turns, and frozen only between two turns. A commit that is reported as failed was made at
 * once or never; one that only a later crash brings back is not in it, nor is a machine whose monotonic clock stands
 * still while others' go on.
 *
 * @param options `without`: disturbances that are left out, by their place, to find the one that matters
 */
export async function simulate(
  program: Program,
  template: Buffer,
  seed: number,
  {
    isTraced = false,
    without = new Set<number>(),
  }: { isTraced?: boolean; without?: ReadonlySet<number> } = {},
): Promise<Report> {
  const world = new World(seed, isTraced);
  const random = new Random(seed);
  const drawn = weatherOf(random);
  const weather = { ...drawn, disturbances: drawn.disturbances.filter((_, at) => !without.has(at)) };
  const machine = new Machine(world, new Disk(template), program, weather);
  const crowd = new Crowd(machine, random.fork());
  const onStray = (error: unknown): void => {
    if (!isOfTheDead(error))
      world.blame(`nobody caught ${error instanceof Error ? error.stack : String(error)}`);
  };
  process.on("unhandledRejection", onStray);
  try {
    await live(machine, crowd);
    auditEnd(machine, crowd);
  } finally {
    process.off("unhandledRejection", onStray);
    for (const each of machine.living) machine.kill(each);
    machine.disk.close();
  }
  const { faults, counts, trace, now } = world;
  return { seed, faults, hash: trace.hash, counts, weather, lines: trace.lines, ms: now };
}

async function live(machine: Machine, crowd: Crowd): Promise<void> {
  const { world, weather } = machine;
  for (const slot of weather.slots) machine.start(slot);
  crowd.gather();
  for (const disturbance of weather.disturbances) {
    world.say("plan", describeDisturbance(disturbance));
    world.setTimer(machine, () => machine.meet(disturbance), disturbance.at);
  }
  machine.journal.hasOddClocks =
    weather.slots.some(({ skewMs }) => skewMs !== 0) ||
    weather.disturbances.some(({ kind }) => kind === "jump" || kind === "days");
  let lookedAt = 0;
  const look = (): boolean => {
    if (world.now - lookedAt < LOOK_MS) return false;
    lookedAt = world.now;
    auditMoment(machine);
    return true;
  };
  await world.run(() => {
    look();
    return false;
  }, weather.horizonMs);
  world.say("world", "heals");
  machine.heal();
  const isAtRest = (): boolean => look() && crowd.open === 0 && countUnfinished(machine) === 0;
  if (!(await world.run(isAtRest, world.now + REST_MS)) && crowd.open > 0) {
    world.blame(`${crowd.open} senders were never answered`);
  }
  machine.isOver = true;
  for (const process of machine.living) machine.stop(process);
  const isEmpty = (): boolean => machine.living.length === 0;
  if (!(await world.run(isEmpty, world.now + STOP_MS))) world.blame("a stop never came to its end");
}

/** True for what only comes of the death of a process. */
function isOfTheDead(error: unknown): boolean {
  for (let at = error; at instanceof Error || Object(at) === at; at = Reflect.get(Object(at), "cause")) {
    if (at instanceof GoneError) return true;
  }
  return false;
}
