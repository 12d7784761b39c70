import { randomUUID } from "node:crypto";
import { type Dispatcher, Pool } from "undici";
import { signature } from "../support/sign.ts";

/** What a request of one kind is answered with. */
interface Kind {
  name: string;
  /** How many of a hundred or so are of this kind. */
  weight: number;
  /** null where there is nothing yet to ask about. */
  make(): Asked | null;
  statuses: readonly number[];
}

interface Asked {
  method: Dispatcher.HttpMethod;
  path: string;
  headers: Record<string, string>;
  body?: string;
  /** Told of an answer of the expected kind. */
  onAnswer?(json: Record<string, unknown>): void;
}

/** Ids that copies, replays and cancels are about. */
const RECENT_MAX = 2_000;
const CONNECTIONS = 32;

/** Sends what a server gets on a mixed day: deliveries, copies, forgeries, nonsense and an operator's requests. */
export class Sender {
  /** Milliseconds of each delivery since `takeLatencies`. */
  #latencies: number[] = [];
  readonly sent: Map<string, number> = new Map();
  /** Answers that their kind does not have, and requests without one. */
  readonly faults: string[] = [];
  /** The runs that were accepted, oldest first: when, and by which id. */
  readonly accepted: { runId: string; webhookId: string; at: number }[] = [];
  readonly #pool: Pool;
  readonly #secret: string;
  readonly #token: string;
  readonly #kinds: readonly Kind[];
  readonly #recent: { body: string; eventId: string; runId: string }[] = [];
  #underWay = 0;

  constructor(origin: string, secret: string, token: string) {
    this.#pool = new Pool(origin, { connections: CONNECTIONS });
    this.#secret = secret;
    this.#token = token;
    this.#kinds = this.#makeKinds();
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** One request of a kind that `random`, in [0, 1), picks. */
  async send(random: number): Promise<void> {
    const total = this.#kinds.reduce((sum, { weight }) => sum + weight, 0);
    let at = random * total;
    const kind = this.#kinds.find(({ weight }) => {
      at -= weight;
      return at < 0;
    });
    const asked = kind?.make() ?? null;
    if (kind === undefined || asked === null) return;
    this.sent.set(kind.name, (this.sent.get(kind.name) ?? 0) + 1);
    this.#underWay++;
    const startedAt = performance.now();
    const { onAnswer, ...request } = asked;
    try {
      const { statusCode, body } = await this.#pool.request(request);
      const text = await body.text();
      if (!kind.statuses.includes(statusCode)) this.faults.push(`${kind.name}: ${statusCode} ${text}`);
      else onAnswer?.(JSON.parse(text) as Record<string, unknown>);
    } catch (error) {
      this.faults.push(`${kind.name}: ${String(error)}`);
    } finally {
      this.#underWay--;
    }
    if (request.path === "/webhooks/generic" && !("prefer" in request.headers)) {
      this.#latencies.push(performance.now() - startedAt);
    }
  }

  /** The latencies since the last call, in rising order. */
  takeLatencies(): number[] {
    const taken = this.#latencies.sort((a, b) => a - b);
    this.#latencies = [];
    return taken;
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  #makeKinds(): Kind[] {
    const deliver = (name: string, weight: number, inputs: () => unknown = () => ({})): Kind => ({
      name,
      weight,
      make: () => this.#delivery(name === "large" ? "quick" : name, inputs()),
      statuses: [202],
    });
    const type = { "content-type": "application/json" };
    const post = (headers: Record<string, string>, body: string): Asked => ({
      method: "POST",
      path: "/webhooks/generic",
      headers,
      body,
    });
    const admin = (
      name: string,
      weight: number,
      statuses: readonly number[],
      ask: () => [string, string] | null,
    ): Kind => ({
      name,
      weight,
      make: () => {
        const [method, path] = ask() ?? [];
        if (method === undefined || path === undefined) return null;
        const headers = { authorization: `Bearer ${this.#token}` };
        return { method: method as Dispatcher.HttpMethod, path, headers };
      },
      statuses,
    });
    const pick = () => this.#recent[Math.floor(Math.random() * this.#recent.length)];
    return [
      deliver("quick", 50),
      deliver("steps", 15),
      deliver("naps", 5),
      deliver("flaky", 4),
      deliver("large", 1, () => ({ pad: "x".repeat(400_000) })),
      {
        name: "waits for the result",
        weight: 1,
        make: () => {
          const asked = this.#delivery("quick", {});
          return { ...asked, headers: { ...asked.headers, prefer: "wait=10" } };
        },
        statuses: [200],
      },
      {
        name: "copy",
        weight: 10,
        make: () => {
          const body = pick()?.body;
          return body === undefined
            ? null
            : post({ ...type, "x-signature": signature(body, this.#secret) }, body);
        },
        statuses: [200],
      },
      {
        name: "forged",
        weight: 8,
        make: () => post({ ...type, "x-signature": signature(randomUUID(), "wrong") }, "{}"),
        statuses: [401],
      },
      {
        name: "no JSON",
        weight: 2,
        make: () => post({ ...type, "x-signature": signature("{", this.#secret) }, "{"),
        statuses: [400],
      },
      {
        name: "no JSON type",
        weight: 1,
        make: () => post({ "content-type": "text/plain" }, "x"),
        statuses: [415],
      },
      admin("list runs", 1, [200], () => ["GET", "/runs?limit=20"]),
      admin("list events", 0.5, [200], () => ["GET", "/events?limit=20"]),
      admin("replay", 0.5, [202], () => {
        const eventId = pick()?.eventId;
        return eventId === undefined ? null : ["POST", `/events/${eventId}/replay`];
      }),
      admin("cancel", 0.5, [200, 202, 409], () => {
        const runId = pick()?.runId;
        return runId === undefined ? null : ["POST", `/runs/${runId}/cancel`];
      }),
    ];
  }

  #delivery(workflow: string, inputs: unknown): Asked {
    const webhookId = randomUUID();
    const body = JSON.stringify({ workflow_name: workflow, inputs, webhook_id: webhookId });
    return {
      method: "POST",
      path: "/webhooks/generic",
      headers: { "content-type": "application/json", "x-signature": signature(body, this.#secret) },
      body,
      onAnswer: ({ event_id: eventId, run_id: runId }) => {
        this.accepted.push({ runId: String(runId), webhookId, at: Date.now() });
        if (body.length > 1_000) return;
        this.#recent.push({ body, eventId: String(eventId), runId: String(runId) });
        if (this.#recent.length > RECENT_MAX) this.#recent.shift();
      },
    };
  }
}
