import type { Clock } from "../clock.ts";
import { LineLimit } from "../line-limit.ts";
import type { Log } from "../log.ts";
import type { FilterFault } from "../workflows/triggers.ts";

/** Notes that one event may have of its filters. */
const NOTES_MAX = 20;

/** Says which filters could not tell whether an event matches: in the log, and in the event's notes. */
export class FilterLog {
  readonly #log: Log;
  readonly #lines: LineLimit;

  constructor(log: Log, clock: Clock) {
    this.#log = log;
    this.#lines = new LineLimit(clock);
  }

  /**
   * Logs each fault, as far as there is room: what senders write decides how many there are. A field that is not there
   * is no warning, because most events lack most fields.
   */
  write(faults: readonly FilterFault[], about: { provider: string; webhookId: string | null }): void {
    for (const { workflowName, kind, detail } of faults) {
      const leftOut = this.#lines.take(kind);
      if (leftOut === null) continue;
      const fields = {
        provider: about.provider,
        webhook_id: about.webhookId,
        workflow_name: workflowName,
        because: detail,
        ...(leftOut > 0 ? { left_out: leftOut } : {}),
      };
      if (kind === "absent") this.#log.info(MESSAGE, fields);
      else this.#log.warn(MESSAGE, fields);
    }
  }
}

const MESSAGE = "filter without an answer: no match";

/** The faults as an event's notes, at most 20 and how many more there are. */
export function notesOf(faults: readonly FilterFault[]): readonly string[] {
  const notes = faults
    .slice(0, NOTES_MAX)
    .map(({ workflowName, detail }) => `filter of ${workflowName} without an answer: ${detail}`);
  const more = faults.length - notes.length;
  return more > 0 ? [...notes, `and ${more} more filters without an answer`] : notes;
}
