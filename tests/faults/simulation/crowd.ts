import type { Answer } from "../../../lib/answer.ts";
import { encodeText } from "../../../lib/json.ts";
import type { Machine } from "./machine.ts";
import { Network } from "./network.ts";
import type { Random } from "./random.ts";
import { bodyAgain, type Json } from "./requests.ts";
import { ADMIN_TOKEN } from "./sim-process.ts";
import type { Inputs } from "./workflows.ts";

/** What one sender has been told. */
export interface Told {
  readonly webhookId: string | null;
  readonly eventId: string;
  /** Names by the ids of their runs. */
  readonly runs: ReadonlyMap<string, string>;
}

/** What persons asked of a run. */
export interface Asked {
  mayBeCancelled: boolean;
  isCancelled: boolean;
  isRetried: boolean;
}

const EMPTY_BODY = encodeText("{}");

/** The people and programs outside: they send, send again, and ask for things. */
export class Crowd {
  /** Every answer that said "yours". */
  readonly told: Told[] = [];
  readonly asked: Map<string, Asked> = new Map();
  /** Runs that somebody has seen at rest, with no retry since. */
  readonly seen: Map<string, string> = new Map();
  /** How many have not got what they came for. */
  open = 0;
  readonly #machine: Machine;
  readonly #network: Network;
  readonly #random: Random;

  constructor(machine: Machine, random: Random) {
    this.#machine = machine;
    this.#network = new Network(machine);
    this.#random = random;
  }

  /** Everybody comes at a time of their own. */
  gather(): void {
    const random = this.#random;
    const { horizonMs } = this.#machine.weather;
    const isRush = random.chance(0.3);
    for (let at = 0, count = random.between(2, 12); at < count; at++) {
      const sender = this.#sender(at, random.fork());
      const comesAt = isRush ? random.between(0, 30) : random.between(0, horizonMs);
      this.#come(comesAt, sender);
    }
  }

  #come(ms: number, actor: () => Promise<void>): void {
    this.open++;
    this.#machine.world.setTimer(
      this.#machine,
      () => {
        actor().then(
          () => this.open--,
          (error: unknown) => this.#machine.world.blame(`a sender failed: ${String(error)}`),
        );
      },
      ms,
    );
  }

  #sender(at: number, random: Random): () => Promise<void> {
    const isGeneric = random.chance(0.8);
    const workflow = random.pick([
      "plain",
      "steps",
      "parallel",
      "sleeper",
      "flaky",
      "slow",
      "long",
      "limited",
      "limited",
      "doomed",
    ]);
    const inputs: Inputs = { ms: random.pick([0, 1, 20, 150, 400]), fails: random.between(1, 2) };
    const webhookId = !isGeneric || random.chance(0.8) ? `id ${at}` : null;
    const body: Json = isGeneric
      ? { workflow_name: workflow, inputs, ...(webhookId === null ? {} : { webhook_id: webhookId }) }
      : { ...inputs };
    const bytes = encodeText(JSON.stringify(body));
    const send = async (): Promise<Told> => {
      const headers: Record<string, string> = { "content-type": "application/json" };
      if (!isGeneric) Object.assign(headers, { "x-delivery": `id ${at}` });
      if (random.chance(0.2)) headers.prefer = "wait=4";
      const path = `/webhooks/${isGeneric ? "generic" : "tracker"}`;
      const answer = await this.#network.insist(random, {
        method: "POST",
        path,
        headers,
        body: bytes,
        statuses: [200, 202, 500],
      });
      return this.#hear(answer, webhookId);
    };
    return async () => {
      const copies = webhookId !== null && random.chance(0.5) ? random.between(1, 4) : 0;
      // Copies race with the first, or come when it has been answered.
      const isRacing = random.chance(0.6);
      const first = send();
      if (!isRacing) await first;
      await Promise.all(
        Array.from({ length: copies }, async () => {
          await this.#network.pause(random.pick([0, 0, random.between(0, 50), random.between(0, 5_000)]));
          await send();
        }),
      );
      const told = await first;
      if (isGeneric && webhookId !== null && random.chance(0.2)) {
        await this.#sendOther(random, bodyAgain(body));
      }
      for (let asks = random.pick([0, 0, 1, 2]); asks > 0; asks--) {
        await this.#network.pause(random.between(0, 3_000));
        await this.#ask(random, told);
      }
    };
  }

  /** Another body under an id that was accepted. */
  async #sendOther(random: Random, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const headers = { "content-type": "application/json" };
    await this.#network.insist(random, {
      method: "POST",
      path: "/webhooks/generic",
      headers,
      body: bytes,
      statuses: [422],
    });
    this.#machine.world.count("a conflict");
  }

  /** A person looks at a run, or wants something else of it. */
  async #ask(random: Random, told: Told): Promise<void> {
    if (told.runs.size === 0) return;
    const runId = random.pick([...told.runs.keys()]);
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
    const post = (
      path: string,
      statuses: readonly number[],
      more: Record<string, string> = {},
    ): Promise<Answer> => {
      const all = { ...headers, ...more };
      return this.#network.insist(random, { method: "POST", path, headers: all, body: EMPTY_BODY, statuses });
    };
    const asked = this.asked.get(runId) ?? { mayBeCancelled: false, isCancelled: false, isRetried: false };
    this.asked.set(runId, asked);
    const want = random.pick(["look", "cancel", "cancel", "retry", "replay"]);
    this.#machine.world.say("person", `${want} ${runId}`);
    switch (want) {
      case "look": {
        const answer = await this.#network.insist(random, {
          method: "GET",
          path: `/runs/${runId}`,
          headers,
          body: null,
          statuses: [200],
        });
        const { status } = JSON.parse(answer.body ?? "") as { status: string };
        if (["succeeded", "failed", "cancelled"].includes(status) && !asked.isRetried)
          this.seen.set(runId, status);
        return;
      }
      case "cancel": {
        asked.mayBeCancelled = true;
        this.#machine.journal.cancelled.add(runId);
        const { status } = await post(`/runs/${runId}/cancel`, [200, 202, 409]);
        if (status !== 409) asked.isCancelled = true;
        return this.#machine.world.count(`cancel answered ${status}`);
      }
      case "retry": {
        asked.isRetried = true;
        this.seen.delete(runId);
        const { status } = await post(`/runs/${runId}/retry`, [200, 202, 409, 410]);
        return this.#machine.world.count(`retry answered ${status}`);
      }
      case "replay": {
        const key = { "idempotency-key": `again-${random.between(1, 2)}` };
        const answer = await post(`/events/${told.eventId}/replay`, [200, 202, 409, 410], key);
        this.#machine.world.count(`replay answered ${answer.status}`);
        if (answer.status < 300) this.#hear(answer, `${told.eventId} ${key["idempotency-key"]}`);
      }
    }
  }

  #hear({ status, body }: Answer, webhookId: string | null): Told {
    const json = JSON.parse(body ?? "") as {
      type?: string;
      event_id: string;
      run_id: string | null;
      workflow_name: string;
      runs?: { run_id: string; workflow_name: string }[];
    };
    const { world } = this.#machine;
    if (status === 500 && !/:run_(failed|cancelled)$/.test(json.type ?? "")) {
      world.blame(`a sender was answered ${body}`);
    }
    const runs = json.runs ?? [{ run_id: String(json.run_id), workflow_name: json.workflow_name }];
    if (runs.length === 0) world.blame(`a sender was answered with no run: ${body}`);
    const told = {
      webhookId,
      eventId: json.event_id,
      runs: new Map(runs.map((run) => [run.run_id, run.workflow_name])),
    };
    world.say("sender", `heard ${status} ${told.eventId} ${[...told.runs.keys()]}`);
    this.told.push(told);
    return told;
  }
}
