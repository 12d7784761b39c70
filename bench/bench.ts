import { rmSync } from "node:fs";
import type { Contestant } from "./contestants.ts";
import { type Deliveries, type DeliveriesOptions, makeDeliveries } from "./deliveries.ts";
import type { Options } from "./options.ts";
import { playRound, type RoundOptions, type RoundResult } from "./round.ts";

/** Spare deliveries above what a rate needs: a server that is faster for a moment must not run out of them. */
const MARGIN = 1.25;
const WARM_UP_SECONDS = 1;
const PROBE_COUNT = 2_000;

/** What every measurement is given: who takes part, for how long, and where the files go. */
export class Bench {
  readonly options: Options;
  readonly folder: string;
  /** What went wrong, one line each; a bench with failures exits with 1. */
  readonly failures: string[] = [];
  /** What the servers said of themselves. */
  readonly about = new Map<string, Readonly<Record<string, string>>>();
  readonly #contestants: readonly Contestant[];
  readonly #made = new Map<string, Deliveries>();
  readonly #rates = new Map<string, number>();

  constructor(options: Options, folder: string, contestants: readonly Contestant[]) {
    this.options = options;
    this.folder = folder;
    this.#contestants = contestants;
  }

  /** Those that take part, of some names or of all, in order. */
  present(...names: readonly string[]): Contestant[] {
    const { servers } = this.options;
    return this.#contestants.filter(({ name, missing }) => {
      // Without the base there are no ratios, so it is always there.
      const isAsked = name === "bare" || servers.length === 0 || servers.includes(name);
      return missing === null && isAsked && (names.length === 0 || names.includes(name));
    });
  }

  /** Who measures `seconds` at the rate of the base is never short of these. */
  async deliveriesFor(contestant: Contestant, bodyBytes: number, seconds: number): Promise<Deliveries> {
    const rate = await this.#baseRate(bodyBytes);
    // What stores nothing begins again at the front, so a few will do.
    const isReused = contestant.tables === null || contestant.isRefusing;
    const count = isReused ? PROBE_COUNT : Math.ceil(rate * (seconds + WARM_UP_SECONDS) * MARGIN);
    return this.#cached({
      ...{ count, bodyBytes, workflow: contestant.workflow, isSigned: !contestant.isRefusing },
    });
  }

  /** Deliveries that are used once, for a file that outlives a round. */
  async withOwn<T>(options: DeliveriesOptions, use: (deliveries: Deliveries) => Promise<T>): Promise<T> {
    const deliveries = makeDeliveries(this.folder, options);
    try {
      return await use(deliveries);
    } finally {
      rmSync(deliveries.file);
      rmSync(deliveries.tailFile);
    }
  }

  /** How many deliveries a load of so many seconds may use up at most. */
  async countFor(bodyBytes: number, seconds: number): Promise<number> {
    return Math.ceil((await this.#baseRate(bodyBytes)) * (seconds + WARM_UP_SECONDS) * MARGIN);
  }

  /** One round of one server; null, and a failure, where it went wrong. */
  async play(
    what: string,
    contestant: Contestant,
    options: Omit<RoundOptions, "folder">,
  ): Promise<RoundResult | null> {
    try {
      const result = await playRound(contestant, { folder: this.folder, ...options });
      this.about.set(contestant.name, result.about);
      const { load, runRate } = result;
      const runs = runRate === null ? "" : `, ${Math.round(runRate)} runs/s`;
      console.log(
        `  ${what}: ${contestant.name} ${Math.round(load.rate)}/s, p99 ${load.p99Ms.toFixed(1)} ms${runs}`,
      );
      return result;
    } catch (error) {
      this.fail(`${what}: ${contestant.name}`, error);
      return null;
    }
  }

  fail(what: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.failures.push(`${what}: ${message.split("\n")[0]}`);
    console.log(`  FAIL ${what}: ${message}`);
  }

  /** Deletes the deliveries of sizes that are not needed any more. */
  forgetDeliveries(): void {
    for (const { file, tailFile } of this.#made.values()) {
      rmSync(file);
      rmSync(tailFile);
    }
    this.#made.clear();
  }

  async #baseRate(bodyBytes: number): Promise<number> {
    const known = this.#rates.get(String(bodyBytes));
    if (known !== undefined) return known;
    const [bare] = this.present("bare");
    if (bare === undefined) throw new Error("Cannot measure without the bare server");
    const deliveries = await this.#cached({ count: PROBE_COUNT, bodyBytes });
    const { load } = await playRound(bare, { folder: this.folder, deliveries, connections: 64, seconds: 1 });
    this.#rates.set(String(bodyBytes), load.rate);
    return load.rate;
  }

  async #cached(options: DeliveriesOptions): Promise<Deliveries> {
    const key = JSON.stringify(options);
    const made = this.#made.get(key) ?? makeDeliveries(this.folder, options);
    this.#made.set(key, made);
    return made;
  }
}
