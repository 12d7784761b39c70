import { Random } from "./random.ts";
import type { Journey } from "./workflows/_journey.ts";

/** The moment that a kill is aimed at; `schema` kills a server of its own, on a file of its own. */
export type Aim = "any" | "answer" | "burst" | "start" | "cancel" | "retry" | "cleanup" | "schema";

export type ProviderName = "generic" | "partner" | "github";

/** What is delivered, and what a person does about it. */
export interface Delivery {
  id: string;
  provider: ProviderName;
  journey: Journey;
  care: "none" | "cancel" | "mend";
  /** From the answer to a person's first command, in milliseconds. */
  careAfterMs: number;
  /** Sent so often at least, at once and whatever was answered. */
  copies: number;
}

/** One life of the server. All of it follows from the seed and the cycle's number. */
export interface CyclePlan {
  aim: Aim;
  /** From the moment aimed at to the kill, in milliseconds. */
  delayMs: number;
  /** The moment of `answer`: so many answers. */
  answers: number;
  /** Which of the events that are due is seen to go, at the moment of `cleanup`: in [0, 1), the first to the last. */
  dueAt: number;
  /** Requests at once. */
  senders: number;
  /** True for the server that knows GitHub and cleans up early; else it is `mod.ts` as it stands. */
  isFull: boolean;
  deliveries: readonly Delivery[];
  /** Which earlier deliveries come once more: in [0, 1), the first to the last. */
  resends: readonly number[];
  /** For what else the cycle decides. */
  random: Random;
}

/** Of every dozen cycles some have their aim, so that none is missing in a short form. */
const DOZEN: Readonly<Partial<Record<number, Aim>>> = {
  1: "start",
  3: "schema",
  5: "burst",
  6: "start",
  8: "schema",
  9: "cancel",
  10: "retry",
};

/** Retention takes 200 events at a time, and so many cycles make some lots of them. */
const CLEANUP_EVERY = 24;
/** Few, because a pass yields to them, and is over sooner than it is seen where they are many. */
const CLEANUP_SENDERS = 2;

const AIMS = { any: 8, answer: 4, burst: 2, cancel: 1, retry: 1 } as const;

/** The longest time from the moment to the kill, in milliseconds. */
const DELAY_MAX_MS: Readonly<Record<Aim, number>> = {
  any: 600,
  answer: 3,
  burst: 25,
  start: 450,
  cancel: 5,
  retry: 5,
  cleanup: 3,
  schema: 10,
};

export function planCycle(seed: number, cycle: number): CyclePlan {
  const random = new Random(seed, cycle);
  const aim = aimOf(random, cycle);
  const isBurst = aim === "burst";
  const count = isBurst ? random.int(40, 80) : random.int(8, 28);
  return {
    aim,
    delayMs: random.next() * DELAY_MAX_MS[aim],
    answers: random.int(1, 30),
    dueAt: random.next(),
    senders: isBurst ? 64 : aim === "cleanup" ? CLEANUP_SENDERS : random.int(4, 32),
    isFull: aim === "cleanup" || random.chance(0.25),
    deliveries:
      aim === "schema"
        ? []
        : Array.from({ length: count }, (_, index) => planDelivery(random, `${seed}-${cycle}-${index}`, aim)),
    resends: Array.from({ length: random.int(0, 6) }, () => random.next()),
    random,
  };
}

function aimOf(random: Random, cycle: number): Aim {
  if (cycle % CLEANUP_EVERY === CLEANUP_EVERY - 1) return "cleanup";
  return DOZEN[cycle % 12] ?? random.weighted(AIMS);
}

function planDelivery(random: Random, name: string, aim: Aim): Delivery {
  const provider = random.weighted<ProviderName>({ generic: 55, partner: 30, github: 15 });
  const boost = aim === "cancel" || aim === "retry" ? 4 : 1;
  const care = random.weighted({ none: 85, cancel: 9 * boost, mend: 6 * boost });
  return {
    id: `${provider}-${name}`,
    provider,
    journey: planJourney(random, care),
    care,
    careAfterMs: random.int(0, 60),
    copies: random.chance(0.1) ? 2 : 1,
  };
}

function planJourney(random: Random, care: Delivery["care"]): Journey {
  // What a person cancels would take long, awake or asleep.
  if (care === "cancel") {
    const isAsleep = random.chance(0.5);
    return {
      steps: Array(isAsleep ? 2 : 60).fill(20),
      sleepMs: isAsleep ? 3_600_000 : null,
      failures: 0,
      isBroken: false,
    };
  }
  const kind = random.weighted({ plain: 60, asleep: 25, failing: 15 });
  return {
    steps: Array.from({ length: random.int(1, 4) }, () => random.int(0, 12)),
    sleepMs: kind === "asleep" ? random.int(1, 800) : null,
    failures: kind === "failing" ? random.int(1, 3) : 0,
    isBroken: care === "mend",
  };
}
