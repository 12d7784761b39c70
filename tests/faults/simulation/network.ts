import type { Answer } from "../../../lib/answer.ts";
import type { Machine } from "./machine.ts";
import type { Random } from "./random.ts";
import { requestOf } from "./requests.ts";
import type { SimProcess } from "./sim-process.ts";

/** What somebody asks of whichever process takes it. */
export interface Asking {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | null;
  /** The statuses that are an answer; after a 503 it is asked again, and any other is a fault. */
  readonly statuses: readonly number[];
}

/** How long a sender waits for an answer before it sends again. */
const PATIENCE_MS = 15_000;

/** What lies between senders and processes: requests arrive late, and answers late or never. */
export class Network {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Sends until one of the statuses comes back. */
  async insist(random: Random, asking: Asking): Promise<Answer> {
    const { world } = this.#machine;
    for (;;) {
      const takers = this.#machine.living.filter(
        ({ slot, isStopping }) => slot.role !== "work" && !isStopping,
      );
      const answer = takers.length === 0 ? null : await this.#ring(random, random.pick(takers), asking);
      world.count(`answer: ${answer?.status ?? "none"}`);
      if (answer !== null && asking.statuses.includes(answer.status)) return answer;
      if (answer !== null && answer.status !== 503) {
        world.blame(`${asking.method} ${asking.path} was answered ${answer.status} ${answer.body}`);
      }
      await this.pause(random.between(20, 3_000));
    }
  }

  /** Resolves after `ms`, whatever becomes of the processes. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#machine.world.setTimer(this.#machine, resolve, ms));
  }

  /** One request: null where no answer comes. */
  #ring(random: Random, process: SimProcess, asking: Asking): Promise<Answer | null> {
    const { method, path, headers, body } = asking;
    const [machine, world] = [this.#machine, this.#machine.world];
    return new Promise((resolve) => {
      const hangUp = new AbortController();
      const end = (answer: Answer | null): void => {
        process.onGone.delete(reset);
        patience.clear();
        resolve(answer);
      };
      const lose = (): void => {
        hangUp.abort();
        end(null);
      };
      const patience = world.setTimer(machine, lose, PATIENCE_MS);
      const reset = (): void => void world.setTimer(machine, () => end(null), 1);
      process.onGone.add(reset);
      const arrive = (): void => {
        void process.handle(requestOf(method, path, headers, body, hangUp.signal)).then((answer) => {
          // What it wrote is on its way, whatever becomes of it.
          process.onGone.delete(reset);
          const isLost = !machine.isHealed && random.chance(0.05);
          if (!isLost) world.setTimer(machine, () => end(answer), random.pick([0, 1, 40]));
        });
      };
      // It is the process's, because what a frozen one is sent waits in its socket.
      world.setTimer(process, arrive, random.pick([0, 0, 1, 30]));
    });
  }
}
