import fc from "fast-check";
import * as assert from "uvu/assert";
import { encodeText } from "../../../lib/json.ts";
import type { Storage } from "../../../lib/repositories.ts";
import { claimOf, endOf, eventOf, requeueOf, runOf } from "../../support/stored.ts";
import { type Model, type Real, shownRun } from "./storage-model.ts";

type Act = (model: Model, storage: Storage, real: Real) => Promise<void>;

/** One command at one of the two connections; afterwards the other one has to see what the model holds. */
class Step implements fc.AsyncCommand<Model, Real> {
  readonly name: string;
  readonly at: number;
  readonly act: Act;

  constructor(name: string, at: number, act: Act) {
    this.name = name;
    this.at = at;
    this.act = act;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    model.now += 1;
    await this.act(model, real.storages[this.at] as Storage, real);
    await model.check(real.storages[1 - this.at] as Storage);
  }

  toString(): string {
    return `${this.name}@${this.at}`;
  }
}

const WORKFLOWS = ["a", "b"];
const ids = fc.constantFrom("a", "b", "c");
const providers = fc.constantFrom("generic", "acme");
const at = fc.nat({ max: 30 });

function accept(
  id: string | null,
  provider: string,
  body: string,
  count: number,
  isConflict: boolean,
  guardKey: string | null,
): Act {
  return async (model, storage) => {
    const event = eventOf(id, { provider, body: encodeText(body), acceptedAt: model.now, guardKey });
    const runs = WORKFLOWS.slice(0, count).map((name) => runOf(name));
    const byKey = model.byKey(event.idKey);
    const first = byKey ?? model.byGuard(guardKey);
    const outcome = await storage.accept(event, runs, isConflict ? "conflict" : "duplicate");
    if (first === undefined) {
      const stored = runs.map((run) => ({ id: run.id, status: "queued" as const, fence: 0, endedAt: null }));
      model.events.push({
        id: event.id,
        idKey: event.idKey,
        guards: guardKey === null ? [] : [guardKey],
        body,
        acceptedAt: model.now,
        isErased: false,
        runs: stored,
      });
      assert.equal([outcome.kind, outcome.eventId], ["accepted", event.id]);
      return;
    }
    if (guardKey !== null && model.byGuard(guardKey) === undefined) first.guards.push(guardKey);
    const isOther = isConflict && byKey !== undefined && first.body !== body;
    assert.equal([outcome.kind, outcome.eventId], [isOther ? "conflict" : "duplicate", first.id]);
    assert.equal(
      outcome.runs.map(shownRun),
      first.runs.map((run) => `${run.id} ${run.status}`),
    );
    assert.equal(await storage.findAccepted(event, isConflict ? "conflict" : "duplicate"), outcome);
  };
}

/** Several accepts of one id at once, over both connections: they race, and one may win. */
function race(id: string, count: number): Act {
  return async (model, _, { storages }) => {
    const events = Array.from({ length: count }, () =>
      eventOf(id, { acceptedAt: model.now, body: encodeText("{}") }),
    );
    const first = model.byKey(events[0]?.idKey ?? null);
    const runs = events.map(() => runOf("a"));
    const outcomes = await Promise.all(
      events.map((event, index) =>
        (storages[index % 2] as Storage).accept(event, [runs[index] ?? runOf()], "duplicate"),
      ),
    );
    const won = outcomes.findIndex(({ kind }) => kind === "accepted");
    assert.is(outcomes.filter(({ kind }) => kind === "accepted").length, first === undefined ? 1 : 0);
    const winner = first?.id ?? events[won]?.id ?? "";
    assert.ok(outcomes.every(({ eventId }) => eventId === winner));
    if (first !== undefined) return;
    const stored = { id: runs[won]?.id ?? "", status: "queued" as const, fence: 0, endedAt: null };
    model.events.push({
      id: winner,
      idKey: events[0]?.idKey ?? null,
      guards: [],
      body: "{}",
      acceptedAt: model.now,
      isErased: false,
      runs: [stored],
    });
  };
}

function mark(id: string, provider: string): Act {
  return async (model, storage, { file }) => {
    const key = `${provider}:${id}`;
    const isNew = !model.marks.some((one) => one.key === key);
    assert.is(await storage.webhookEvents.markProcessed(id, provider), isNew);
    if (isNew) model.marks.push({ key, markedAt: file.clock.now() });
  };
}

function unmark(id: string, provider: string): Act {
  return async (model, storage) => {
    await storage.webhookEvents.unmarkProcessed(id, provider);
    model.marks = model.marks.filter((one) => one.key !== `${provider}:${id}`);
  };
}

function ask(id: string, provider: string): Act {
  return async (model, storage) => {
    const isMarked = model.marks.some((one) => one.key === `${provider}:${id}`);
    const isAccepted = model.events.some((event) => event.idKey === `${provider}:body:${id}`);
    assert.is(await storage.webhookEvents.isProcessed(id, provider), isMarked || isAccepted);
  };
}

function claim(limit: number): Act {
  return async (model, storage) => {
    const { runs } = await storage.claim(claimOf({ now: model.now, limit, workflows: WORKFLOWS }));
    const queued = model.runs().filter((run) => run.status === "queued");
    assert.is(runs.length, Math.min(limit, queued.length));
    for (const claimed of runs) {
      const run = queued.find(({ id }) => id === claimed.runId);
      if (run === undefined) throw new Error(`${claimed.runId} was claimed and was not queued`);
      assert.is(claimed.fence, run.fence + 1);
      Object.assign(run, { status: "running", fence: claimed.fence });
    }
  };
}

/** Ends an attempt, of the present fence or of one before it, whatever the run's state is. */
function end(place: number, status: "succeeded" | "failed" | "queued", isStale: boolean): Act {
  return async (model, storage) => {
    const run = model.run(place);
    if (run === null) return;
    const isOurs = run.status === "running" && !isStale;
    const next = status === "queued" ? requeueOf() : { status };
    const outcome = endOf(status === "succeeded" ? "succeeded" : "failed", { next, endedAt: model.now });
    const key = { runId: run.id, fence: run.fence - (isStale ? 1 : 0) };
    assert.is(await storage.endAttempt(key, outcome), isOurs);
    if (isOurs) Object.assign(run, { status, endedAt: status === "queued" ? null : model.now });
  };
}

function cancel(place: number): Act {
  return async (model, storage) => {
    const run = model.run(place);
    const change = await storage.cancel(run?.id ?? "run_none", model.now);
    if (run === null) return assert.is(change, null);
    const hasChanged = run.status === "queued" || run.status === "running";
    assert.equal(change, { hasChanged, previous: run.status, isErased: false });
    if (!hasChanged) return;
    // Something of the attempt may still run; it says so when that is over, and only then is a retry free to begin.
    if (run.status === "running") await storage.settleAttempt({ runId: run.id, fence: run.fence }, model.now);
    Object.assign(run, { status: "cancelled", endedAt: model.now });
  };
}

function retry(place: number): Act {
  return async (model, storage) => {
    const run = model.run(place);
    const change = await storage.retry(run?.id ?? "run_none", model.now, 60_000);
    if (run === null) return assert.is(change, null);
    const isErased = model.eventOf(run)?.isErased === true;
    const hasChanged = !isErased && (run.status === "failed" || run.status === "cancelled");
    assert.equal(change, { hasChanged, previous: run.status, isErased });
    if (hasChanged) Object.assign(run, { status: "queued", endedAt: null });
  };
}

function erase(place: number): Act {
  return async (model, storage) => {
    const event = model.events[place % Math.max(1, model.events.length)];
    const erased = await storage.erase(event?.id ?? "evt_none", model.now);
    if (event === undefined) return assert.is(erased, null);
    const isUnfinished = event.runs.some(({ endedAt }) => endedAt === null);
    assert.is(erased, isUnfinished ? "unfinished" : "erased");
    if (!isUnfinished) event.isErased = true;
  };
}

/** Erases what has been at rest for `age` ticks, deletes what has been for twice that long. */
function cleanup(age: number): Act {
  return async (model, storage) => {
    const [eraseBefore, deleteBefore] = [model.now - age, model.now - 2 * age];
    const toDelete = model.events.filter((event) => model.isOlder(event, deleteBefore));
    const toErase = model.events.filter((event) => !event.isErased && model.isOlder(event, eraseBefore));
    const changed = await storage.cleanup({
      now: model.now,
      eraseBefore,
      deleteBefore,
      marksBefore: 0,
      limit: 1_000,
    });
    assert.is(changed, toErase.length + toDelete.length);
    for (const event of toErase) event.isErased = true;
    model.events = model.events.filter((event) => !toDelete.includes(event));
  };
}

/** Marks have the wall clock's time, which is moved for it. */
function cleanupMarks(days: number): Act {
  return async (model, storage, { file }) => {
    file.clock.jumpWall(86_400_000);
    const before = file.clock.now() - days * 86_400_000;
    await storage.webhookEvents.cleanupOldEvents(days);
    model.marks = model.marks.filter(({ markedAt }) => markedAt >= before);
    for (const event of model.events) event.isErased ||= model.isOlder(event, before);
  };
}

const reopen: Act = async (_, storage, real) => {
  await storage.close();
  real.storages[real.storages.indexOf(storage)] = await real.file.open();
};

const acts: fc.Arbitrary<[name: string, act: Act]>[] = [
  fc
    .tuple(
      fc.option(ids),
      providers,
      fc.constantFrom("{}", "[]"),
      fc.nat({ max: 2 }),
      fc.boolean(),
      fc.option(fc.constantFrom("acme:guard:a", "acme:guard:b", "acme:guard:c")),
    )
    .map((given) => [`accept(${given})`, accept(...given)]),
  fc.tuple(ids, fc.integer({ min: 2, max: 5 })).map((given) => [`race(${given})`, race(...given)]),
  fc.tuple(ids, providers).map((given) => [`mark(${given})`, mark(...given)]),
  fc.tuple(ids, providers).map((given) => [`unmark(${given})`, unmark(...given)]),
  fc.tuple(ids, providers).map((given) => [`ask(${given})`, ask(...given)]),
  fc.integer({ min: 1, max: 3 }).map((limit) => [`claim(${limit})`, claim(limit)]),
  fc
    .tuple(
      at,
      fc.constantFrom("succeeded", "failed", "queued"),
      fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true)),
    )
    .map((given) => [`end(${given})`, end(...given)]),
  at.map((place) => [`cancel(${place})`, cancel(place)]),
  at.map((place) => [`retry(${place})`, retry(place)]),
  at.map((place) => [`erase(${place})`, erase(place)]),
  fc.integer({ min: 0, max: 6 }).map((age) => [`cleanup(${age})`, cleanup(age)]),
  fc.integer({ min: 0, max: 3 }).map((days) => [`cleanupMarks(${days})`, cleanupMarks(days)]),
  fc.constant(["reopen", reopen]),
];

const { FC_REPLAY_PATH: replayPath } = process.env;

/** Some commands, each at one of two connections. */
export const commands: fc.Arbitrary<Iterable<fc.AsyncCommand<Model, Real>>> = fc.commands(
  acts.map((act) =>
    fc.tuple(act, fc.nat({ max: 1 })).map(([[name, run], place]) => new Step(name, place, run)),
  ),
  // What a failure prints as replayPath has to be given beside FC_SEED and FC_PATH to run it again.
  { maxCommands: 60, size: "max", ...(replayPath === undefined ? {} : { replayPath }) },
);
