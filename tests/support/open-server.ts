import { connect } from "node:net";
import { request } from "undici";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { problemAnswer } from "../../lib/http/problem.ts";
import { newId } from "../../lib/ids.ts";
import { type Listening, listenNode } from "../../lib/listen/node.ts";
import type { LatchhookOptions } from "../../lib/options.ts";
import type { Storage } from "../../lib/repositories.ts";
import { createStorageBackend } from "../../lib/storage/backend.ts";
import { createInnerLatchhook, type InnerLatchhook, type Internals } from "../../lib/wiring/latchhook.ts";
import { ManualClock } from "./manual-clock.ts";
import { ADMIN_TOKEN, recordingLog, type TestLatchhook } from "./open-latchhook.ts";
import { sampleWorkflows } from "./sample-workflows.ts";
import { signature } from "./sign.ts";
import { until } from "./until.ts";

/** How a request comes in: over a socket, or as a host app's `Request`. */
export type DoorName = "http" | "fetch";

/** Both ways in. What holds for one holds for the other, unless a test says why not. */
export const DOORS: readonly DoorName[] = ["http", "fetch"];

export type Json = Record<string, unknown>;

/** A request that a test makes. */
export interface Ask {
  /** `POST` where there is a body, else `GET`. */
  method?: string;
  /** With the query. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array<ArrayBuffer>;
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body where it is a JSON object, else empty. */
  json: Json;
}

/** A Latchhook of a test's own behind a real socket. */
export interface TestServer {
  latchhook: InnerLatchhook;
  storage: Storage;
  lines: TestLatchhook["lines"];
  port: number;
  /** Such as `http://127.0.0.1:40000`. */
  origin: string;
  ask(door: DoorName, ask: Ask): Promise<Answer>;
  /**
   * The same request through both doors, one after the other. Fails unless both answers have the same status, the same
   * headers and the same JSON, where texts and numbers may differ, and in problems only ids.
   *
   * @returns the answer over the socket
   */
  askBoth(ask: Ask | ((door: DoorName) => Ask)): Promise<Answer>;
  /** Over the socket, with the admin token. */
  admin(method: string, path: string, body?: unknown, headers?: Ask["headers"]): Promise<Answer>;
  /** Bytes as they stand, to what is asked on a connection of their own; all that came back. */
  raw(text: string): Promise<Answer>;
  /** Waits, in real time, until the run has the status. */
  reaches(runId: string, status: string): Promise<Json>;
  count(): Promise<{ events: number; runs: number }>;
  close(): Promise<void>;
}

export const SECRET = "s3cret-of-the-generic-provider";

/**
 * Opens one on a database in memory, with `SECRET` for generic, the sample workflows and the admin token, unless the
 * options say otherwise; in try-out mode with neither secret nor token. A storage that is handed over stays open.
 */
export async function openServer(
  options: LatchhookOptions = {},
  internals: Internals = {},
): Promise<TestServer> {
  const lines: TestLatchhook["lines"] = [];
  const clock: Clock = options.clock ?? systemClock;
  const url = typeof options.storage === "string" ? options.storage : ":memory:";
  const isInjected = typeof options.storage === "object";
  const storage = isInjected
    ? (options.storage as Storage)
    : await createStorageBackend(url, { clock, random: () => 0.5 });
  const secured = internals.mayTryOut ? {} : { secrets: { generic: SECRET }, adminToken: ADMIN_TOKEN };
  const log = recordingLog(lines);
  const random = (): number => 0.5;
  const given = { workflows: sampleWorkflows, log, random, ...secured, ...options, clock, storage };
  try {
    const latchhook = createInnerLatchhook(given, internals);
    await latchhook.start();
    const listening = await listenNode({
      host: "127.0.0.1",
      port: 0,
      handle: (asked, peer) => latchhook.handle(asked, peer),
      refuse: (error) => problemAnswer(error, newId("req")),
      log,
    });
    return testServer(latchhook, storage, listening, lines, clock, isInjected);
  } catch (error) {
    if (!isInjected) await storage.close();
    throw error;
  }
}

/** A delivery signed as generic wants it. The body may be given as JSON's value or as it goes over the wire. */
export function delivery(
  body: unknown,
  given: { secret?: string; path?: string; headers?: Ask["headers"] } = {},
): Ask & { body: string | Uint8Array<ArrayBuffer>; headers: Record<string, string> } {
  const isWire = typeof body === "string" || body instanceof Uint8Array;
  const bytes = isWire ? (body as string | Uint8Array<ArrayBuffer>) : JSON.stringify(body);
  return {
    path: given.path ?? "/webhooks/generic",
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-signature": signature(bytes, given.secret ?? SECRET),
      ...given.headers,
    },
    body: bytes,
  };
}

export const AUTHORIZED: Readonly<Record<string, string>> = { authorization: `Bearer ${ADMIN_TOKEN}` };

/** The form of a JSON value: its keys and the types of its leaves. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  const entries = Object.entries(value).map(([key, inner]) => [key, shapeOf(inner)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function testServer(
  latchhook: InnerLatchhook,
  storage: Storage,
  listening: Listening,
  lines: TestLatchhook["lines"],
  clock: Clock,
  isInjected: boolean,
): TestServer {
  const { port } = listening;
  const origin = `http://127.0.0.1:${port}`;
  const ask: TestServer["ask"] = (door, asked) =>
    door === "http" ? askOverSocket(origin, asked) : askThroughFetch(latchhook, origin, asked);
  const admin: TestServer["admin"] = (method, path, body, headers = {}) => {
    const type = { "content-type": "application/json" };
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    return ask("http", {
      method,
      path,
      headers: { ...AUTHORIZED, ...(body === undefined ? {} : type), ...headers },
      ...json,
    });
  };
  return {
    latchhook,
    storage,
    lines,
    port,
    origin,
    ask,
    async askBoth(asked) {
      const answers: Answer[] = [];
      for (const door of DOORS)
        answers.push(await ask(door, typeof asked === "function" ? asked(door) : asked));
      const [overSocket, throughFetch] = answers as [Answer, Answer];
      const [a, b] = [comparable(overSocket), comparable(throughFetch)];
      if (a !== b) throw new Error(`The doors differ\nhttp:  ${a}\nfetch: ${b}`);
      return overSocket;
    },
    admin,
    raw: (text) => askRaw(port, text),
    async reaches(runId, status) {
      let run: Json = {};
      await until(async () => {
        run = (await admin("GET", `/runs/${runId}`)).json;
        return run.status === status;
      }, `run ${runId} to be ${status}`);
      return run;
    },
    async count() {
      const page = { since: null, until: null, limit: 10_000, cursor: null };
      const events = await storage.listEvents({ ...page, provider: null, webhookId: null });
      const runs = await storage.listRuns({ ...page, workflowName: null, status: null, eventId: null });
      return { events: events.items.length, runs: runs.items.length };
    },
    async close() {
      const stopped = latchhook.stop({ grace: 0 });
      if (clock instanceof ManualClock) await clock.advance(10_000);
      await stopped;
      listening.closeAll();
      await listening.close();
      if (!isInjected) await storage.close();
    },
  };
}

async function askOverSocket(origin: string, { method, path, headers = {}, body }: Ask): Promise<Answer> {
  const verb = method ?? (body === undefined ? "GET" : "POST");
  const given = { method: verb as "GET", headers: { ...headers }, ...(body === undefined ? {} : { body }) };
  const response = await request(`${origin}${path}`, given);
  const received = new Headers();
  for (const [name, value = ""] of Object.entries(response.headers)) {
    for (const one of [value].flat()) received.append(name, one);
  }
  return toAnswer(response.statusCode, received, await response.body.text());
}

async function askThroughFetch(
  latchhook: InnerLatchhook,
  origin: string,
  { method, path, headers = {}, body }: Ask,
): Promise<Answer> {
  const verb = method ?? (body === undefined ? "GET" : "POST");
  // As bytes, because a text would bring a Content-Type of its own.
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const asked = new Request(`${origin}${path}`, {
    method: verb,
    headers: { ...headers },
    ...(bytes === undefined || bytes.length === 0 ? {} : { body: bytes }),
  });
  const response = await latchhook.fetch(asked);
  return toAnswer(response.status, response.headers, await response.text());
}

function askRaw(port: number, text: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => {
      const received = Buffer.concat(chunks).toString();
      const end = received.indexOf("\r\n\r\n");
      const [first = "", ...lines] = received.slice(0, end).split("\r\n");
      const headers = new Headers();
      for (const line of lines) {
        const colon = line.indexOf(":");
        headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
      }
      resolve(toAnswer(Number(first.split(" ")[1]), headers, received.slice(end + 4)));
    });
  });
}

function toAnswer(status: number, headers: Headers, text: string): Answer {
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    // No body, or none that is JSON.
  }
  return { status, headers, text, json: typeof json === "object" && json !== null ? (json as Json) : {} };
}

/** What belongs to one connection. */
const HOP_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "transfer-encoding",
]);

function comparable({ status, headers, json, text }: Answer): string {
  const names = [...headers.keys()].filter((name) => !HOP_HEADERS.has(name)).sort();
  const isProblem = headers.get("content-type") === "application/problem+json";
  const { request_id: _, ...problem } = json;
  const comparables = JSON.stringify([status, names, text === "", isProblem ? problem : shapeOf(json)]);
  return comparables.replace(/"(evt|run)_[\w-]{24}"/g, '"$1_..."');
}
