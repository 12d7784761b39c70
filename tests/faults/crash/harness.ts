import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pause } from "../../fixtures/workflows/_audit.ts";
import { StoredFile } from "../../support/stored.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { age, type DueEvent, dueQuery } from "./ages.ts";
import { drain } from "./drain.ts";
import { judge } from "./judge.ts";
import { type Entry, Ledger } from "./ledger.ts";
import { Life, within } from "./life.ts";
import { Looker } from "./look.ts";
import { type CyclePlan, planCycle } from "./plan.ts";
import { Findings, type Report } from "./report.ts";
import { schemaCycle } from "./schema-cycle.ts";
import { Servers } from "./servers.ts";
import { Traffic } from "./traffic.ts";
import { Trail } from "./trail.ts";

/** The program's default: what may be under way at a kill, and so be repeated. */
export const CONCURRENCY = 16;

/** A moment that does not come (no run to cancel, no answer) is not waited for longer than this. */
const MOMENT_MS = 2_000;

/** Of the ids whose events were erased, so many are delivered once more. */
const SENT_AGAIN_SHARE = 0.1;

export interface CrashOptions {
  cycles: number;
  seed: number;
  /** A server with a deliberate fault, in place of all that are killed. */
  program?: URL;
  /** Where the database and the trail are; default a folder that goes at the end. */
  folder?: string;
  onProgress?: (line: string) => void;
}

/** Kills servers on one database, again and again, and says what became of all that was delivered. */
export async function crash(options: CrashOptions): Promise<Report> {
  const startedAt = performance.now();
  const folder = options.folder ?? (await tempFolder());
  const looker = await Looker.make();
  const world = new World(options, folder, looker);
  for (let cycle = 0; cycle < options.cycles; cycle++) {
    await world.cycle(cycle);
    if (cycle % 25 === 24) options.onProgress?.(world.progress(cycle + 1));
  }
  await world.end();
  await looker.close();
  return world.report((performance.now() - startedAt) / 1_000);
}

/** What the kill is aimed at, once the server listens. */
async function momentOf({ aim, answers }: CyclePlan, traffic: Traffic, due?: DueEvent): Promise<void> {
  if (aim === "answer") await traffic.answered(answers);
  if (aim === "cancel" || aim === "retry") await traffic.commanded(aim);
  if (aim === "cleanup" && due !== undefined) await traffic.gone(due);
}

/** The database, the trail, and everybody outside of the server. */
class World {
  readonly #options: CrashOptions;
  readonly #file: StoredFile;
  readonly #looker: Looker;
  readonly #ledger: Ledger;
  readonly #trail: Trail;
  readonly #findings = new Findings();
  readonly #servers: Servers;
  readonly #mendedFolder: string;
  /** Attempts that were claimed and never began, by run. */
  readonly #neverBegun = new Map<string, number>();

  constructor(options: CrashOptions, folder: string, looker: Looker) {
    this.#options = options;
    this.#file = new StoredFile(folder);
    this.#looker = looker;
    const trailPath = join(folder, "trail.jsonl");
    this.#ledger = new Ledger(trailPath);
    this.#trail = new Trail(trailPath);
    this.#mendedFolder = join(folder, "mended");
    mkdirSync(this.#mendedFolder);
    this.#servers = new Servers(this.#file.url, trailPath, this.#mendedFolder, options.program);
  }

  async cycle(cycle: number): Promise<void> {
    const plan = planCycle(this.#options.seed, cycle);
    const { folder } = this.#file;
    const [looker, findings, env] = [this.#looker, this.#findings, this.#servers.env];
    if (plan.aim === "schema") return schemaCycle({ folder, cycle, plan, looker, findings, env });
    this.#plan(plan);
    let due: readonly DueEvent[] = [];
    if (plan.aim === "cleanup") {
      await age(this.#file, this.#ledger, plan.random);
      due = this.#due();
    }
    const life = new Life(this.#servers.of(plan));
    const traffic = await this.#liveUntilKilled(life, plan, due[Math.floor(plan.dueAt * due.length)]);
    this.#lookBack(traffic);
    if (plan.aim === "cleanup") {
      const left = this.#due().length;
      findings.hit("cleanup", left > 0 && left < due.length);
      this.#sendErasedAgain(plan);
    }
  }

  /** Delivers what is left, waits until all is at rest, and judges. */
  async end(): Promise<void> {
    this.#findings.acceptedInKilled = this.#countAccepted();
    await drain({
      server: this.#servers.sound,
      ledger: this.#ledger,
      trailPath: this.#trail.path,
      findings: this.#findings,
      mendedFolder: this.#mendedFolder,
    });
    this.#trail.readOn();
    judge(this.#file, this.#ledger, this.#trail.audit, this.#findings);
    const { audit } = this.#trail;
    if (audit.repeats > this.#findings.kills * CONCURRENCY)
      this.#findings.fault(
        "repeatedTooOften",
        `${audit.repeats} repeats are more than kills x ${CONCURRENCY}`,
      );
    if (this.#options.folder === undefined) await this.#file.close();
  }

  progress(cycles: number): string {
    const { kills } = this.#findings;
    return `${cycles} cycles, ${kills} kills, ${this.#countAccepted()} of ${this.#ledger.entries.size} deliveries accepted`;
  }

  report(seconds: number): Report {
    const entries = [...this.#ledger.entries.values()];
    const { faults, hits, inWords, kills, erased, deleted, erasedSentAgain } = this.#findings;
    return {
      seed: this.#options.seed,
      cycles: this.#options.cycles,
      kills,
      deliveries: entries.length,
      accepted: this.#countAccepted(),
      acceptedInKilled: this.#findings.acceptedInKilled,
      requests: entries.reduce((sum, { sent }) => sum + sent, 0),
      ...faults,
      erased: erased + deleted,
      deleted,
      erasedSentAgain,
      repeats: this.#trail.audit.repeats,
      repeatsMax: kills * CONCURRENCY,
      hits,
      seconds: Math.round(seconds * 10) / 10,
      faults: inWords,
    };
  }

  #countAccepted(): number {
    let count = 0;
    for (const { answeredAt } of this.#ledger.entries.values()) if (answeredAt !== null) count++;
    return count;
  }

  #plan({ deliveries, resends }: CyclePlan): void {
    const earlier = [...this.#ledger.entries.values()].filter(
      ({ answeredAt, isForgotten }) => answeredAt !== null && !isForgotten,
    );
    for (const delivery of deliveries) this.#ledger.add(delivery);
    for (const place of resends) {
      const entry = earlier[Math.floor(place * earlier.length)];
      if (entry !== undefined) this.#ledger.addCopy(entry);
    }
  }

  /** @returns the traffic, for what was under way; null where the server was killed before it listened */
  async #liveUntilKilled(life: Life, plan: CyclePlan, due: DueEvent | undefined): Promise<Traffic | null> {
    if (plan.aim === "start") await within(plan.delayMs, life.listens());
    const origin = plan.aim === "start" ? life.origin : await life.listens();
    let traffic: Traffic | null = null;
    if (origin !== null && life.end === null) {
      traffic = new Traffic({
        ledger: this.#ledger,
        origin,
        senders: plan.senders,
        isGithubKnown: plan.isFull,
        mendedFolder: this.#mendedFolder,
      });
      await within(MOMENT_MS, momentOf(plan, traffic, due));
      if (plan.aim !== "start") await pause(plan.delayMs);
    }
    traffic?.hold();
    const wasKilled = await life.kill();
    this.#findings.kills++;
    this.#findings.hit("starting", origin === null);
    if (!wasKilled) this.#findings.fault("broken", `a server ended by itself: ${life.stderr}`);
    await traffic?.stop();
    return traffic;
  }

  /** Reads what the dead server left: what was under way, by its database and by those that it did not answer. */
  #lookBack(traffic: Traffic | null): void {
    const findings = this.#findings;
    const unanswered = [...(traffic?.underWay.delivery ?? [])];
    const isNew = ({ sent, answeredAt }: Entry): boolean => sent === 1 && answeredAt === null;
    const newIds = unanswered.filter(isNew).map(({ delivery }) => delivery.id);
    this.#trail.readOn();
    const look = this.#looker.look(this.#file.path, newIds, Date.now());
    if (look === null) return;
    let claimed = 0;
    for (const { id, fence } of look.running) {
      const known = (this.#trail.audit.starts.get(id) ?? 0) + (this.#neverBegun.get(id) ?? 0);
      if (fence <= known) continue;
      claimed++;
      this.#neverBegun.set(id, (this.#neverBegun.get(id) ?? 0) + fence - known);
    }
    findings.hit("commit", unanswered.length >= 2);
    findings.hit("committedUnanswered", look.stored.size > 0);
    findings.hit("claimed", claimed > 0);
    findings.hit("running", look.running.length > 0);
    findings.hit("queued", look.queued > 0);
    findings.hit("sleeping", look.sleeping > 0);
    findings.hit("parking", look.parking > 0);
    findings.hit("backingOff", look.backingOff > 0);
    findings.hit("retry", (traffic?.underWay.retry.size ?? 0) > 0);
    findings.hit("cancel", (traffic?.underWay.cancel.size ?? 0) > 0);
    for (const id of look.erasedUnfinished) findings.fault("erasedEarly", `run ${id} is unfinished`);
  }

  /** What was erased is still known by its id. */
  #sendErasedAgain({ random }: CyclePlan): void {
    const ids = this.#looker.read(this.#file.path, (rows) =>
      rows("SELECT webhook_id FROM webhook_events WHERE erased_at IS NOT NULL").map((row) =>
        String(row.webhook_id),
      ),
    );
    for (const id of ids) {
      const entry = this.#ledger.entries.get(id);
      if (entry === undefined || entry.isForgotten || !random.chance(SENT_AGAIN_SHARE)) continue;
      this.#ledger.addCopy(entry);
      this.#findings.erasedSentAgain++;
    }
  }

  /** The events that retention has to erase or delete. */
  #due(): readonly DueEvent[] {
    return this.#looker.read(this.#file.path, (rows) =>
      rows(dueQuery(Date.now())).map((row) => ({ id: String(row.id), isErased: row.is_erased === 1 })),
    );
  }
}
