import * as assert from "uvu/assert";
import type { AcceptedRun, Storage } from "../../../lib/repositories.ts";
import type { RunStatus } from "../../../lib/run.ts";
import { firstPage, type StoredFile } from "../../support/stored.ts";

/** What is tried: one file, open twice, as two processes have it. */
export interface Real {
  file: StoredFile;
  storages: Storage[];
}

export interface ModelRun {
  id: string;
  status: RunStatus;
  fence: number;
  endedAt: number | null;
}

export interface ModelEvent {
  id: string;
  idKey: string | null;
  /** What has counted for it. */
  guards: string[];
  body: string;
  acceptedAt: number;
  isErased: boolean;
  runs: ModelRun[];
}

/** What the storage has to hold, in the plainest form: lists, looked through from end to end. */
export class Model {
  now = 1_000_000;
  events: ModelEvent[] = [];
  marks: { key: string; markedAt: number }[] = [];

  runs(): ModelRun[] {
    return this.events.flatMap((event) => event.runs);
  }

  run(at: number): ModelRun | null {
    const runs = this.runs();
    return runs[at % runs.length] ?? null;
  }

  eventOf(run: ModelRun): ModelEvent | undefined {
    return this.events.find((event) => event.runs.includes(run));
  }

  byKey(idKey: string | null): ModelEvent | undefined {
    return idKey === null ? undefined : this.events.find((event) => event.idKey === idKey);
  }

  byGuard(guardKey: string | null): ModelEvent | undefined {
    return this.events.find((event) => event.guards.some((guard) => guard === guardKey));
  }

  /** True for an event whose acceptance and all runs' ends are before the time. */
  isOlder(event: ModelEvent, time: number): boolean {
    return event.acceptedAt < time && event.runs.every(({ endedAt }) => endedAt !== null && endedAt < time);
  }

  /** Fails unless a storage shows exactly this. */
  async check(storage: Storage): Promise<void> {
    const page = { ...firstPage, limit: 10_000 };
    const events = (await storage.listEvents({ ...page, provider: null, webhookId: null })).items;
    assert.equal(
      events.map((event) => [event.eventId, event.erasedAt !== null, event.runs.map(shownRun)]).reverse(),
      this.events.map((event) => [
        event.id,
        event.isErased,
        event.runs.map((run) => `${run.id} ${run.status}`),
      ]),
    );
  }
}

export function shownRun(run: AcceptedRun): string {
  return `${run.runId} ${run.status}`;
}
