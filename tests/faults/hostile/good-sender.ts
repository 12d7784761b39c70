import { request } from "node:http";
import * as assert from "uvu/assert";
import { signature } from "../../support/sign.ts";
import { until } from "../../support/until.ts";

/** What became of one good delivery; `status` 0 is a connection that failed or took too long. */
export interface Served {
  status: number;
  ms: number;
}

const EVERY_MS = 50;
/** Other suites and servers share the machine with this one, so what is bounded is a standstill, not a speed. */
const LATENCY_MS_MAX = 5_000;
const GIVEN_UP_MS = 20_000;

/** An honest sender beside an attack: every 50 ms one more signed delivery, over a connection of its own. */
export class GoodSender {
  readonly served: Served[] = [];
  readonly #port: number;
  readonly #secret: string | null;
  readonly #underWay = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  #made = 0;

  /**
   * @param secret null where a server for trying out takes unsigned ones
   * @param name begins each of its webhook_ids
   */
  constructor(port: number, secret: string | null, name: string) {
    this.#port = port;
    this.#secret = secret;
    this.#timer = setInterval(() => {
      const body = JSON.stringify({
        workflow_name: "quick",
        inputs: {},
        webhook_id: `${name}-${++this.#made}`,
      });
      const one: Promise<void> = this.#send(body).finally(() => this.#underWay.delete(one));
      this.#underWay.add(one);
    }, EVERY_MS);
  }

  /** Waits until so many more were answered. */
  more(count: number): Promise<void> {
    const enough = this.served.length + count;
    return until(() => this.served.length >= enough, `${count} more good deliveries`, GIVEN_UP_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  /** Fails unless every delivery was accepted, none of them late. */
  assertServed(): void {
    const refused = this.served.filter(({ status }) => status !== 202);
    const [first] = refused;
    assert.is(
      first,
      undefined,
      `${refused.length} of ${this.served.length} good deliveries, with ${first?.status}`,
    );
    assert.ok(this.latencyMsMax <= LATENCY_MS_MAX, `a good delivery waited ${this.latencyMsMax} ms`);
  }

  get latencyMsMax(): number {
    return Math.round(Math.max(0, ...this.served.map(({ ms }) => ms)));
  }

  #send(body: string): Promise<void> {
    const startedAt = performance.now();
    return new Promise((resolve) => {
      const done = (status: number): void => {
        this.served.push({ status, ms: performance.now() - startedAt });
        resolve();
      };
      const asked = request(
        {
          port: this.#port,
          host: "127.0.0.1",
          method: "POST",
          path: "/webhooks/generic",
          agent: false,
          timeout: GIVEN_UP_MS,
          headers: {
            "content-type": "application/json",
            "content-length": Buffer.byteLength(body),
            ...(this.#secret === null ? {} : { "x-signature": signature(body, this.#secret) }),
          },
        },
        (answer) => {
          answer.resume();
          answer.on("close", () => done(answer.complete ? (answer.statusCode ?? 0) : 0));
        },
      );
      asked.on("timeout", () => asked.destroy());
      asked.on("error", () => done(0));
      asked.end(body);
    });
  }
}
