import { writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { pause } from "../../fixtures/workflows/_audit.ts";
import type { DueEvent } from "./ages.ts";
import { deliver } from "./deliver.ts";
import type { Entry, Ledger } from "./ledger.ts";
import type { ProviderName } from "./plan.ts";
import { type Answer, ask } from "./post.ts";
import { mendedFile } from "./workflows/_journey.ts";

export const ADMIN_TOKEN = "a-token-for-the-crash-harness";

/** Between two sends of the same delivery after a 5xx, in milliseconds. */
const AGAIN_AFTER_MS = 5;
/** Between two looks of a person at what there is to do, in milliseconds. */
const LOOK_MS = 10;

export type Command = "cancel" | "retry";

export interface TrafficGivens {
  ledger: Ledger;
  origin: string;
  /** Deliveries at once. */
  senders: number;
  isGithubKnown: boolean;
  mendedFolder: string;
}

/** Everybody who speaks to one life of the server: senders that come again, and a person who cancels and retries. */
export class Traffic {
  /** Deliveries and commands that are sent and not answered. */
  readonly underWay: { delivery: Set<Entry>; cancel: Set<Entry>; retry: Set<Entry> };
  readonly #givens: TrafficGivens;
  readonly #agent: Agent;
  readonly #working: Promise<void>[] = [];
  #isOver = false;
  #answers = 0;
  readonly #waiting: { answers: number; resolve: () => void }[] = [];
  #onCommand: (name: Command) => void = () => {};

  constructor(givens: TrafficGivens) {
    this.#givens = givens;
    this.#agent = new Agent({ keepAlive: true });
    this.underWay = { delivery: new Set(), cancel: new Set(), retry: new Set() };
    for (let sender = 0; sender < givens.senders; sender++) this.#working.push(this.#send());
    this.#working.push(this.#care());
  }

  /** Resolves when so many deliveries were answered. */
  answered(answers: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ answers, resolve });
    });
  }

  /** Resolves when a person sends the command the next time. */
  commanded(name: Command): Promise<void> {
    return new Promise((resolve) => {
      this.#onCommand = (sent) => {
        if (sent === name) resolve();
      };
    });
  }

  /** Resolves when retention has erased the event, or deleted one that was erased. */
  async gone({ id, isErased }: DueEvent): Promise<void> {
    while (!this.#isOver) {
      const answer = await this.#ask("GET", `/events/${id}`);
      if (answer?.status === 404 || (!isErased && answer?.json?.erased_at != null)) return;
    }
  }

  /** Nothing more is sent: what is unanswered from here on is what a kill finds under way. */
  hold(): void {
    this.#isOver = true;
  }

  /** The server is gone: everybody comes again in its next life. */
  async stop(): Promise<void> {
    this.hold();
    this.#agent.destroy();
    await Promise.all(this.#working);
  }

  async #send(): Promise<void> {
    const { ledger, origin, isGithubKnown } = this.#givens;
    const isKnown = ({ delivery }: Entry): boolean => isGithubKnown || delivery.provider !== GITHUB;
    while (!this.#isOver) {
      const entry = ledger.take(isKnown);
      if (entry === null) return;
      this.underWay.delivery.add(entry);
      const answer = await deliver(this.#agent, origin, entry);
      if (!this.#isOver || answer !== null) this.underWay.delivery.delete(entry);
      if (answer !== null && answer.status >= 200 && answer.status < 300) {
        ledger.accepted(entry, answer.json);
        this.#countAnswer();
        continue;
      }
      if (answer === null || answer.status >= 500) ledger.putBack(entry);
      else
        ledger.refusals.push(
          `${entry.delivery.id} was answered ${answer.status} ${JSON.stringify(answer.json)}`,
        );
      await pause(AGAIN_AFTER_MS);
    }
  }

  #countAnswer(): void {
    this.#answers++;
    for (const { answers, resolve } of this.#waiting) if (this.#answers >= answers) resolve();
  }

  /** Looks again and again at what there is to do, and does it, one thing after the other. */
  async #care(): Promise<void> {
    while (!this.#isOver) {
      for (const entry of [...this.#givens.ledger.openCares]) {
        if (this.#isOver) return;
        const { careAfterMs, care } = entry.delivery;
        if (performance.now() - (entry.answeredAt ?? 0) < careAfterMs) continue;
        for (const runId of entry.runIds) await (care === "cancel" ? this.#cancel : this.#mend)(entry, runId);
      }
      await pause(LOOK_MS);
    }
  }

  readonly #cancel = async (entry: Entry, runId: string): Promise<void> => {
    const { ledger } = this.#givens;
    const answer = await this.#command("cancel", entry, runId);
    if (answer === null || answer.status >= 500) return;
    if (answer.status === 409) ledger.careEnds(entry, "ended");
    else if (answer.status === 200 || answer.status === 202) {
      ledger.careEnds(entry, "cancelled");
      ledger.told(runId, "cancelled");
    } else this.#refused("cancel", entry, answer);
  };

  /** Waits until the run has failed, mends what it failed for, and asks for more attempts a little later. */
  readonly #mend = async (entry: Entry, runId: string): Promise<void> => {
    const { ledger, mendedFolder } = this.#givens;
    const seen = await this.#ask("GET", `/runs/${runId}`);
    const status = seen?.json?.status;
    if (seen !== null && seen.status >= 400 && seen.status < 500) this.#refused("get", entry, seen);
    // It succeeds only where an earlier command, whose answer was lost, has been heard.
    if (status === "succeeded") ledger.careEnds(entry, "retried");
    if (status !== "failed") return;
    ledger.note({ run: runId, what: "rested" });
    await pause(entry.delivery.careAfterMs);
    writeFileSync(mendedFile(mendedFolder, entry.delivery.id), "");
    ledger.note({ run: runId, what: "retried" });
    const answer = await this.#command("retry", entry, runId);
    if (answer === null || answer.status >= 500) return;
    if ([200, 202, 409].includes(answer.status)) ledger.careEnds(entry, "retried");
    else this.#refused("retry", entry, answer);
  };

  async #command(name: Command, entry: Entry, runId: string): Promise<Answer | null> {
    this.underWay[name].add(entry);
    const asked = this.#ask("POST", `/runs/${runId}/${name}`);
    this.#onCommand(name);
    const answer = await asked;
    if (!this.#isOver || answer !== null) this.underWay[name].delete(entry);
    return answer;
  }

  #refused(command: string, entry: Entry, { status, json }: Answer): void {
    const { ledger } = this.#givens;
    ledger.careEnds(entry, "ended");
    ledger.refusals.push(`${command} of ${entry.delivery.id} was answered ${status} ${JSON.stringify(json)}`);
  }

  #ask(method: string, path: string): Promise<Answer | null> {
    return ask(this.#agent, this.#givens.origin, method, path, { authorization: `Bearer ${ADMIN_TOKEN}` });
  }
}

const GITHUB: ProviderName = "github";
