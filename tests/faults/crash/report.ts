/** What kills have to hit, each counted by the kills that did, as the database and the harness saw it. */
export interface Hits {
  /** Killed before it listened. */
  starting: number;
  /** Two deliveries or more were sent and unanswered: a group commit was gathering, under way or just over. */
  commit: number;
  /** One of them turned out to be stored: the kill came between the commit and the answer. */
  committedUnanswered: number;
  /** A run was claimed, and its attempt had not begun. */
  claimed: number;
  running: number;
  queued: number;
  sleeping: number;
  /** A sleep was stored, and its attempt had not ended. */
  parking: number;
  /** Between two attempts. */
  backingOff: number;
  /** A person's command was sent and unanswered. */
  retry: number;
  cancel: number;
  /** Retention had erased or deleted some of what was due, and not all. */
  cleanup: number;
  /** The file was there, and no schema in it. */
  schema: number;
  /** A file of the first release was opened, and its schema was still the old one. */
  upgrade: number;
  /** A file of a build before the first release was being refused. */
  oldSchema: number;
}

/** Faults, by the definitions at the end of DURABILITY.md, and what else may not be. */
export interface Faults {
  /** Accepted, and not stored or not under the run that the sender was told. */
  lost: number;
  /** Two events or two runs for an id, stored or told. */
  duplicated: number;
  /** Not at rest when all was quiet, or never answered. */
  stuck: number;
  /** Two attempts of one run at once. */
  overlapping: number;
  /** Steps begun again after they had returned. */
  begunAgain: number;
  /** 1 where more steps were begun again than the kills account for. */
  repeatedTooOften: number;
  /** Steps that returned and whose effect was never done. */
  lostEffects: number;
  /** Begun after an answer had said that the run has ended: a cancelled run that goes on, above all. */
  afterRest: number;
  /** Another end or result than the delivery and the person's commands lead to. */
  wrongEnd: number;
  eventWithoutRun: number;
  /** Erased before their time, or with a run that is unfinished. */
  erasedEarly: number;
  /** Answers that no delivery or command of ours may get. */
  refused: number;
  /** The file's own check, a half-made schema, a server that ended by itself. */
  broken: number;
}

export interface Report extends Faults {
  seed: number;
  cycles: number;
  kills: number;
  deliveries: number;
  /** Ids that a sender was told are kept. */
  accepted: number;
  /** Of these, in lives that a kill ended; the rest were sent again to the last one. */
  acceptedInKilled: number;
  /** Requests that it took, answered or not. */
  requests: number;
  /** Ids whose event retention has erased, and of those how many it has deleted. */
  erased: number;
  deleted: number;
  /** Copies sent of an id whose event was erased. */
  erasedSentAgain: number;
  /** Steps that were begun again and had not returned: at-least-once. */
  repeats: number;
  /** What repeats may be: kills x CONCURRENCY. */
  repeatsMax: number;
  hits: Hits;
  seconds: number;
  /** The first of the faults in words. */
  faults: string[];
}

const IN_WORDS_MAX = 40;

/** Collects while the harness runs. */
export class Findings {
  readonly hits: Hits = {
    starting: 0,
    commit: 0,
    committedUnanswered: 0,
    claimed: 0,
    running: 0,
    queued: 0,
    sleeping: 0,
    parking: 0,
    backingOff: 0,
    retry: 0,
    cancel: 0,
    cleanup: 0,
    schema: 0,
    upgrade: 0,
    oldSchema: 0,
  };
  readonly faults: Faults = {
    lost: 0,
    duplicated: 0,
    stuck: 0,
    overlapping: 0,
    begunAgain: 0,
    repeatedTooOften: 0,
    lostEffects: 0,
    afterRest: 0,
    wrongEnd: 0,
    eventWithoutRun: 0,
    erasedEarly: 0,
    refused: 0,
    broken: 0,
  };
  readonly inWords: string[] = [];
  kills = 0;
  acceptedInKilled = 0;
  erased = 0;
  deleted = 0;
  erasedSentAgain = 0;

  hit(kind: keyof Hits, isHit: boolean): void {
    if (isHit) this.hits[kind]++;
  }

  fault(kind: keyof Faults, text: string): void {
    this.faults[kind]++;
    if (this.inWords.length < IN_WORDS_MAX) this.inWords.push(`${kind}: ${text}`);
  }
}

/** True where a promise was broken. */
export function isFaulty(report: Report): boolean {
  return report.faults.length > 0;
}

/** What some kill of a few cycles finds under way, whatever the seed. */
const COMMON: readonly (keyof Hits)[] = [
  "starting",
  "commit",
  "committedUnanswered",
  "claimed",
  "running",
  "queued",
  "sleeping",
  "backingOff",
];

/** From so many cycles on every kind has to be hit. */
const LONG_CYCLES = 200;

/** What the kills should have hit and did not: where there is any, the audit says less than it seems to. */
export function missedHits({ cycles, hits }: Report): (keyof Hits)[] {
  const wanted = cycles < LONG_CYCLES ? COMMON : (Object.keys(hits) as (keyof Hits)[]);
  return wanted.filter((kind) => hits[kind] === 0);
}
