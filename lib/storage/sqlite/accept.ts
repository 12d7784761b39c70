import type {
  AcceptOutcome,
  ClaimedRun,
  EventKeys,
  NewEvent,
  NewRun,
  OtherBody,
  ReplayCommand,
  ReplayOutcome,
} from "../../repositories.ts";
import type { SqliteClaims } from "./claims.ts";
import type { Database, Row, Statement } from "./driver.ts";
import type { KnownEvent, SqliteEvents } from "./events.ts";
import { FIRST_FENCE, type SqliteRuns } from "./runs.ts";

/** How events come in: by a delivery, or again by a replay. Called inside a transaction. */
export class SqliteAccept {
  readonly #events: SqliteEvents;
  readonly #runs: SqliteRuns;
  readonly #claims: SqliteClaims;
  readonly #findReplay: Statement;
  readonly #insertReplay: Statement;

  constructor(db: Database, events: SqliteEvents, runs: SqliteRuns, claims: SqliteClaims) {
    this.#events = events;
    this.#runs = runs;
    this.#claims = claims;
    this.#findReplay = db.prepare("SELECT replay FROM replays WHERE event_seq = ? AND idempotency_key = ?");
    this.#insertReplay = db.prepare(
      "INSERT INTO replays (event_seq, replay, idempotency_key) VALUES (?, ?, ?)",
    );
  }

  /** @param transaction the number of the transaction that this is called in */
  accept(event: NewEvent, runs: readonly NewRun[], otherBody: OtherBody, transaction: number): AcceptOutcome {
    const idHash = event.idKey === null ? null : this.#events.hashOf(event.idKey);
    if (event.idKey !== null && idHash !== null) {
      const first = this.#events.findByIdKey(idHash, event.idKey);
      if (first !== null && first.id !== event.id) {
        this.#useUp(event.guardKey, first);
        return this.#seen(first, event.bodyHash, otherBody);
      }
    }
    if (event.guardKey !== null) {
      const first = this.#events.findByGuard(event.guardKey);
      if (first !== null && first.id !== event.id) return this.#seen(first, event.bodyHash, "duplicate");
    }
    const seq = this.#events.insert(event, idHash);
    if (seq === null) {
      // A commit of unknown outcome is repeated, and then the event that is there is this one.
      const own = this.#events.findById(event.id);
      if (own === null) throw new Error(`Cannot store event ${event.id}: it was refused, yet it is unknown`);
      const { id, webhookId } = own;
      return {
        kind: "accepted",
        eventId: id,
        webhookId,
        runs: this.#runs.acceptedOf(own.seq, 0),
        claimed: [],
      };
    }
    const claimed: ClaimedRun[] = [];
    const accepted = runs.map((run) => {
      const stored = this.#runs.insert(run, seq, 0, event.acceptedAt);
      if (run.claim !== null && stored.status === "running") {
        this.#claims.beatOnce(run.claim.process, transaction);
        claimed.push(firstAttempt(run, event));
      }
      return stored;
    });
    return { kind: "accepted", eventId: event.id, webhookId: event.webhookId, runs: accepted, claimed };
  }

  find({ idKey, guardKey, bodyHash }: EventKeys, otherBody: OtherBody): AcceptOutcome | null {
    const guarded = guardKey === null ? null : this.#events.findByGuard(guardKey);
    // Nothing is stored here, so a new value would not be used up: it would be good for an event of anybody's making.
    if (guardKey !== null && guarded === null) return null;
    const first = idKey === null ? null : this.#events.findByIdKey(this.#events.hashOf(idKey), idKey);
    if (first !== null) return this.#seen(first, bodyHash, otherBody);
    return guarded === null ? null : this.#seen(guarded, bodyHash, "duplicate");
  }

  /** A copy's value counts, too: whoever has seen it could sign another event with it. */
  #useUp(guardKey: string | null, first: KnownEvent): void {
    if (guardKey !== null && this.#events.findByGuard(guardKey) === null)
      this.#events.addGuard(first.seq, guardKey);
  }

  #seen(first: KnownEvent, bodyHash: Uint8Array, otherBody: OtherBody): AcceptOutcome {
    const isSame = otherBody === "duplicate" || areEqual(first.bodyHash, bodyHash);
    return {
      kind: isSame ? "duplicate" : "conflict",
      eventId: first.id,
      webhookId: first.webhookId,
      runs: this.#runs.acceptedOf(first.seq, 0),
      claimed: [],
    };
  }

  replay({ eventId, idempotencyKey, runs, now }: ReplayCommand): ReplayOutcome {
    const event = this.#events.findById(eventId);
    if (event === null) return { kind: "unknown", webhookId: null, runs: [] };
    const { seq, webhookId } = event;
    const earlier = this.#findReplay.get(seq, idempotencyKey) as Row | undefined;
    if (earlier !== undefined) {
      return { kind: "duplicate", webhookId, runs: this.#runs.acceptedOf(seq, Number(earlier.replay)) };
    }
    if (event.erasedAt !== null) return { kind: "erased", webhookId, runs: [] };
    const replay = this.#runs.nextReplay(seq);
    this.#insertReplay.run(seq, replay, idempotencyKey);
    return { kind: "accepted", webhookId, runs: runs.map((run) => this.#runs.insert(run, seq, replay, now)) };
  }

  erase(eventId: string, now: number): "erased" | "unfinished" | null {
    const event = this.#events.findById(eventId);
    if (event === null) return null;
    if (this.#runs.hasUnfinished(event.seq)) return "unfinished";
    if (event.erasedAt === null) this.#events.erase(event.seq, now);
    return "erased";
  }
}

/** What a claim would read of it: the bytes that were stored, and nothing that was made of them. */
function firstAttempt(run: NewRun, event: NewEvent): ClaimedRun {
  return { runId: run.id, fence: FIRST_FENCE, workflowName: run.workflowName, failures: 0, steps: [], event };
}

function areEqual(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && a.length === b.length && a.every((byte, index) => byte === b[index]);
}
