import type { StatementFault, StatementKind } from "./connection.ts";
import type { Disk } from "./disk.ts";
import { Journal } from "./journal.ts";
import type { Program } from "./program.ts";
import { Random } from "./random.ts";
import { SimProcess, type Slot } from "./sim-process.ts";
import { type Disturbance, disturb, type Weather } from "./weather.ts";
import type { Owner, World } from "./world.ts";

/** A fault that waits for its statement. */
export interface ArmedFault {
  /** null for any process. */
  slot: string | null;
  on: StatementKind;
  /** So many of the kind pass before. */
  skip: number;
  fault: StatementFault;
}

/** A machine with its disk and its processes, and all that can happen to them. */
export class Machine implements Owner {
  readonly name = "machine";
  readonly isRunnable = true;
  readonly world: World;
  readonly disk: Disk;
  readonly program: Program;
  readonly weather: Weather;
  readonly journal: Journal;
  readonly processes: SimProcess[] = [];
  readonly armed: ArmedFault[] = [];
  /** How far the wall clocks of all processes went on at once, as when a machine slept. */
  daysMs = 0;
  bootId = "boot 1";
  /** Nobody of this world is hindered any more. */
  isHealed = false;
  /** Whoever ends is not started again. */
  isOver = false;
  /** Another program has the database's lock until then. */
  lockedUntil = 0;
  readonly #random: Random;
  readonly #atLines: Disturbance[] = [];
  #boots = 1;
  #pids = 100;
  #starts = 0;

  constructor(world: World, disk: Disk, program: Program, weather: Weather) {
    this.world = world;
    this.disk = disk;
    this.program = program;
    this.weather = weather;
    this.journal = new Journal(world, (process) => this.#atLine(process));
    this.#random = new Random(world.seed ^ 0xd15c);
  }

  get living(): SimProcess[] {
    return this.processes.filter((process) => process.isAlive);
  }

  processOf(slot: Slot): SimProcess | undefined {
    return this.processes.find((process) => process.slot === slot && process.isAlive);
  }

  start(slot: Slot): void {
    if (this.isOver || this.processOf(slot) !== undefined) return;
    const process = new SimProcess(this, slot, { pid: this.#pids++, start: ++this.#starts });
    this.processes.push(process);
    this.world.say(process.name, `starts as ${slot.role}`);
    process.latchhook.start().catch((error: unknown) => {
      if (!process.isAlive) return;
      // Its folder has another name each time.
      this.world.say(process.name, `cannot start: ${String(error).replaceAll(this.disk.path, "database")}`);
      this.world.count("a start that failed");
      this.kill(process);
    });
  }

  /** It is gone at once, with its memory and what it had not committed; a supervisor starts another. */
  kill(process: SimProcess): void {
    if (!process.isAlive) return;
    process.isAlive = false;
    this.world.drop(process);
    for (const connection of [...process.connections]) connection.close();
    this.world.say(process.name, "is gone");
    for (const tell of [...process.onGone]) tell();
    this.world.setTimer(this, () => this.start(process.slot), this.#random.between(50, 4_000));
  }

  /** @param before what the files held when the commit under way began; null where none is */
  cutPower(before: Parameters<Disk["cut"]>[1] = null): void {
    this.world.say("machine", "loses its power");
    for (const process of this.living) this.kill(process);
    const end = this.disk.cut(this.#random, before);
    this.world.count(
      `${before === null ? "what was stored" : "a commit under way"} was ${end} by a power cut`,
    );
    this.bootId = `boot ${++this.#boots}`;
    // Numbers begin again: a pid of before the boot is another process's now.
    this.#pids = 100;
  }

  freeze(process: SimProcess, ms: number): void {
    if (process.isFrozen) return;
    process.isFrozen = true;
    process.hinderedAt = this.world.now;
    this.world.say(process.name, `is frozen for ${ms} ms`);
    this.world.setTimer(this, () => this.thaw(process), ms);
  }

  thaw(process: SimProcess): void {
    if (!process.isFrozen) return;
    process.isFrozen = false;
    process.hinderedAt = this.world.now;
    if (process.isAlive) this.world.say(process.name, "goes on");
  }

  /** SIGTERM, and SIGKILL where it takes too long. */
  stop(process: SimProcess): void {
    if (process.isStopping) return;
    process.isStopping = true;
    this.world.say(process.name, "is told to stop");
    void process.latchhook.stop().then(() => {
      if (!process.isAlive) return;
      this.world.count("a graceful stop");
      this.kill(process);
    });
    this.world.setTimer(
      this,
      () => {
        if (process.isAlive) this.world.count("a stop that took too long");
        this.kill(process);
      },
      STOP_PATIENCE_MS,
    );
  }

  lock(ms: number): void {
    this.lockedUntil = this.world.now + ms;
    // Nobody can beat meanwhile, so a run may change hands afterwards, too.
    if (ms >= LOCK_HINDERS_MS)
      for (const process of this.living) process.hinderedAt = this.lockedUntil + LEASE_MS;
  }

  /** Nothing goes wrong any more; who is frozen goes on in its time. */
  heal(): void {
    this.isHealed = true;
    this.armed.length = 0;
    this.#atLines.length = 0;
    this.lockedUntil = 0;
    for (const slot of this.weather.slots) {
      slot.skewMs = 0;
      this.start(slot);
    }
  }

  /** It goes wrong now, or at the next line of a workflow there. */
  meet(disturbance: Disturbance): void {
    if (disturbance.isAtLine && disturbance.kind !== "statement") this.#atLines.push(disturbance);
    else disturb(this, disturbance);
  }

  #atLine(process: SimProcess): void {
    const at = this.#atLines.findIndex(({ slot }) => slot === process.slot.name);
    const [disturbance] = at === -1 ? [] : this.#atLines.splice(at, 1);
    if (disturbance !== undefined) disturb(this, disturbance);
  }

  /** Somebody asks for the runs of a process, to bury it: at times it wakes up just then. */
  aboutToBury(ownerId: unknown, by: SimProcess): void {
    const owner = this.living.find((process) => process.id === ownerId);
    if (owner === undefined || owner === by || !owner.isFrozen || !this.#random.chance(0.4)) return;
    this.world.count("woken while it was buried");
    this.thaw(owner);
  }

  /** Does what `kill(pid, 0)` does: throws where there is no such process. */
  lookUp(pid: number, namespace: string): true {
    if (this.living.some((process) => process.pid === pid && process.pidNamespace === namespace)) return true;
    throw Object.assign(new Error("kill ESRCH"), { code: "ESRCH" });
  }

  /** Statements take their time, in which nothing else happens to their process. */
  work(kind: StatementKind): void {
    const { statementMs, commitMs } = this.weather;
    const most = kind === "commit" ? commitMs : statementMs;
    if (most > 0 && !this.isHealed) this.world.now += this.#random.between(0, most);
  }

  faultAt(process: SimProcess, kind: StatementKind): StatementFault | null {
    if (kind === "begin" && this.world.now < this.lockedUntil) return "busy";
    for (const [at, armed] of this.armed.entries()) {
      if (armed.on !== kind || (armed.slot !== null && armed.slot !== process.slot.name)) continue;
      if (armed.skip-- > 0) continue;
      this.armed.splice(at, 1);
      return armed.fault;
    }
    return null;
  }
}

/** Docker's patience between SIGTERM and SIGKILL. */
const STOP_PATIENCE_MS = 10_000;

/** A lock that is held so long may keep a beat out of the lease. */
const LOCK_HINDERS_MS = 3_000;
const LEASE_MS = 8_000;
