import { AsyncLocalStorage } from "node:async_hooks";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import type { Answer } from "../../../lib/answer.ts";
import { type Clock, TIMER_MAX_MS } from "../../../lib/clock.ts";
import type { Incoming } from "../../../lib/incoming.ts";
import type { Log } from "../../../lib/log.ts";
import type { Role } from "../../../lib/options.ts";
import type { Scheme } from "../../../lib/scheme.ts";
import type { InnerLatchhook } from "../../../lib/wiring/latchhook.ts";
import { GoneError, libraryFor } from "./connection.ts";
import type { Machine } from "./machine.ts";
import { Random } from "./random.ts";
import { workflowsOf } from "./workflows.ts";
import { type Owner, WALL_START } from "./world.ts";

const realRequire = createRequire(import.meta.url);

/** A provider that starts more than one workflow, and whose id counts together with the body. */
const TRACKER: Scheme = {
  algorithm: "hmac-sha256",
  signature: { header: "x-tracker-signature", encoding: "hex" },
  id: { header: "x-delivery" },
};

export const ADMIN_TOKEN = "a-token-for-tests-of-32-characters";

/** How a process is set up; it stays the same over restarts. */
export interface Slot {
  readonly name: string;
  readonly role: Role;
  readonly concurrency: number;
  /** A container of its own: nobody else can look up its pid. */
  readonly isContained: boolean;
  /** How far its wall clock is off, in milliseconds; it jumps. */
  skewMs: number;
}

/** One process of a world: our whole program, with a clock, a chance and an event loop of its own. */
export class SimProcess implements Owner {
  readonly name: string;
  readonly slot: Slot;
  readonly pid: number;
  readonly pidNamespace: string;
  readonly connections: Set<{ close(): void }> = new Set();
  /** Told when it dies: whoever waits for an answer of it. */
  readonly onGone: Set<() => void> = new Set();
  readonly latchhook: InnerLatchhook;
  /** As the others know it, once it has registered. */
  id: unknown = null;
  isAlive = true;
  isStopping = false;
  isFrozen = false;
  /** When it could last not do what it wanted to, for longer than its lease bears; before, it answers for its runs. */
  hinderedAt = Number.NEGATIVE_INFINITY;
  readonly #machine: Machine;
  readonly #monotonicStart: number;

  constructor(machine: Machine, slot: Slot, given: { pid: number; start: number }) {
    const { world } = machine;
    this.name = `${slot.name}.${given.start}`;
    this.slot = slot;
    this.pid = slot.isContained ? 1 : given.pid;
    this.pidNamespace = slot.isContained ? `pid:[${given.start}]` : "pid:[host]";
    this.#machine = machine;
    // Clocks of two processes have nothing to do with one another.
    this.#monotonicStart = world.now - given.start * 1_000_000;
    const random = new Random(world.seed * 1_000 + given.start);
    let word = 0;
    const parts = machine.program({
      require: (name) => this.#require(name),
      setImmediate: (fn) => {
        if (this.isAlive) world.setTurn(this, fn);
      },
      process: Object.create(process, {
        pid: { value: this.pid },
        kill: { value: (pid: number) => machine.lookUp(pid, this.pidNamespace) },
      }),
      crypto: {
        getRandomValues: (bytes) => {
          // Four of each number: every start of a process asks for thousands.
          for (let at = 0; at < bytes.length; at++) {
            word = at % 4 === 0 ? random.between(0, 2 ** 32 - 1) : word >>> 8;
            bytes[at] = word & 0xff;
          }
          return bytes;
        },
      },
      Date: dateOf(() => this.clock.now()),
    });
    const { clock } = this;
    const storage = async () =>
      new parts.SqliteStorage(
        `file:${machine.disk.path}`,
        await parts.openDatabase(`file:${machine.disk.path}`, clock),
        clock,
        () => random.next(),
        machine.weather.index,
      );
    this.latchhook = parts.createInnerLatchhook(
      {
        storage,
        clock,
        random: () => random.next(),
        log: this.#log(),
        role: slot.role,
        concurrency: slot.concurrency,
        adminToken: ADMIN_TOKEN,
        allowUnsigned: ["generic", "tracker"],
        schemes: { tracker: TRACKER },
        retentionDays: 1,
        workflows: workflowsOf(this, machine, parts),
      },
      { timing: { retentionFirstMs: 5_000, retentionEveryMs: 7_000 } },
    );
  }

  get isRunnable(): boolean {
    return this.isAlive && !this.isFrozen;
  }

  readonly clock: Clock = {
    now: () => Math.floor(WALL_START + this.#machine.world.now + this.slot.skewMs + this.#machine.daysMs),
    monotonic: () => this.#machine.world.now - this.#monotonicStart,
    setTimer: (fn, ms) =>
      this.isAlive ? this.#machine.world.setTimer(this, fn, Math.min(ms, TIMER_MAX_MS)) : { clear: () => {} },
  };

  /** @throws {GoneError} it is dead, and what still runs of its code is nothing but this simulation's leftovers */
  refuseDead(): void {
    if (!this.isAlive) throw new GoneError("the process is gone");
  }

  /** A request arrives; never settles where the process dies. */
  async handle(request: Incoming): Promise<Answer> {
    const answer = await this.latchhook.handle(request);
    return this.isAlive ? answer : new Promise(() => {});
  }

  /** Resolves after `ms` of its own life. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.setTimer(resolve, ms));
  }

  #require(name: string): unknown {
    switch (name) {
      case "node:sqlite":
        return libraryFor(this.#machine, this);
      case "node:async_hooks":
        return { AsyncLocalStorage: storageOf(this) };
      case "node:os":
        return { ...os, hostname: () => "machine" };
      case "node:fs":
        return {
          ...fs,
          readFileSync: (path: string, ...rest: [BufferEncoding]) =>
            path === "/proc/sys/kernel/random/boot_id"
              ? this.#machine.bootId
              : fs.readFileSync(path, ...rest),
          readlinkSync: () => this.pidNamespace,
        };
      default:
        return realRequire(name);
    }
  }

  #log(): Log {
    const line =
      (level: string) =>
      (message: string, fields: object = {}): void => {
        if (!this.isAlive) return;
        const { world } = this.#machine;
        world.count(`log: ${message}`);
        if (level === "debug") return;
        const { error } = fields as { error?: { stack?: string; cause?: unknown } };
        const more = world.trace.lines === null ? "" : ` ${JSON.stringify(fields)} ${error?.stack ?? ""}`;
        world.say(this.name, `${level}: ${message}${more}`);
      };
    return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
  }
}

/** The runtime keeps every one that was ever used, and looks at each for every promise, until it is disabled. */
function storageOf(process: SimProcess): typeof AsyncLocalStorage {
  return class<T> extends AsyncLocalStorage<T> {
    constructor() {
      super();
      process.onGone.add(() => this.disable());
    }
  };
}

/** `Date` by another clock. */
function dateOf(now: () => number): DateConstructor {
  return class extends Date {
    constructor(...given: unknown[]) {
      super(...((given.length === 0 ? [now()] : given) as [number]));
    }
    static override now(): number {
      return now();
    }
  } as unknown as DateConstructor;
}
