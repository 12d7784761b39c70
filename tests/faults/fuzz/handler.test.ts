import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openServer, type TestServer } from "../../support/open-server.ts";
import { firstPage } from "../../support/stored.ts";
import { checkAnswer } from "./answers.ts";
import { asked, type Draft, delivered, isSigned, lastEvents, OPTIONS, successOf } from "./deliveries.ts";
import { holds } from "./holds.ts";
import { type Fault, fault } from "./request-faults.ts";

const test = suite("faults/fuzz/handler");

/** How the body comes: whole, in pieces, broken off, or not even bytes. */
const stream = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom("whole", "pieces") },
  { weight: 1, arbitrary: fc.constantFrom("broken", "text") },
);

const request = fc.record({
  draft: fc.oneof({ weight: 3, arbitrary: delivered }, { weight: 1, arbitrary: asked }),
  faults: fc.oneof(fc.constant<Fault[]>([]), fc.array(fault, { maxLength: 3 })),
  stream,
});

function streamOf(body: Draft["body"], kind: string): ReadableStream {
  const chunks: unknown[] = [body.slice(0, 7), body.slice(7)].filter((chunk) => chunk.length > 0);
  if (kind === "text") chunks.push("text");
  return new ReadableStream({
    pull(controller) {
      if (chunks.length > 0) controller.enqueue(chunks.shift());
      else if (kind === "broken") controller.error(new Error("connection reset"));
      else controller.close();
    },
  });
}

/** A `Request`, or null where the platform makes none of it. */
function toRequest({ method, path, headers, body }: Draft, kind: string): Request | null {
  const hasBody = method !== "GET" && method !== "HEAD" && (body.length > 0 || kind !== "whole");
  try {
    return new Request(`http://localhost${path}`, {
      method,
      headers: headers.map(([key, given]) => [key, given] as [string, string]),
      ...(hasBody ? { body: kind === "whole" ? body : streamOf(body, kind), duplex: "half" } : {}),
    });
  } catch {
    return null;
  }
}

/** Asks, and checks the answer and what was stored against each other. @returns how it ended */
async function tryOne(server: TestServer, draft: Draft, kind: string): Promise<string> {
  const given = toRequest(draft, kind);
  if (given === null) return "no request";
  const { method, headers } = given;
  const { pathname } = new URL(given.url);
  const before = await lastEvents(server.storage, 1);
  const response = await server.latchhook.fetch(given);
  const body = await response.text();
  const json = body === "" ? {} : JSON.parse(body);
  const answer = { status: response.status, headers: response.headers, text: body, json };
  const problem = checkAnswer(answer, method === "HEAD");
  const after = await lastEvents(server.storage, 2);
  const isStored = after[0] !== before[0];
  if (!isStored) {
    if (pathname.startsWith("/webhooks/")) assert.is.not(json.status, "accepted"); // a replay says it, too
    return problem ?? "success";
  }
  assert.equal(after.slice(1), before, "more than one event was stored");
  const provider = /^\/webhooks\/([a-z]+)$/.exec(pathname)?.[1] ?? "";
  assert.is(method, "POST");
  assert.ok(kind === "whole" || kind === "pieces", "a body that is not whole was stored");
  assert.ok(isSigned(provider, headers, draft.body), "what nobody signed was stored");
  assert.match(headers.get("content-type") ?? "", /^application\/json *(;|$)/i);
  assert.is((headers.get("content-encoding") ?? "identity").toLowerCase(), "identity");
  assert.is(answer.status, successOf(provider));
  if (json.event_id !== undefined) assert.equal([json.status, json.event_id], ["accepted", after[0]]);
  const event = await server.storage.getEvent(after[0] ?? "");
  assert.equal([event?.provider, Buffer.from(event?.body ?? [])], [provider, Buffer.from(draft.body)]);
  return "stored";
}

/** Ends that come about in each run of this suite, so often that no seed misses them. */
const USUAL = [
  "stored",
  "success",
  "signature_invalid",
  "json_invalid",
  "fields_invalid",
  "id_conflict",
  "content_type",
  "body_unreadable",
  "not_found",
  "method_not_allowed",
  "unauthorized",
  "workflow_unknown",
  "input_invalid",
];

test("whatever is asked, the answer is one that is documented, and stored is what was signed and accepted", async () => {
  const ends = new Map<string, number>();
  await holds(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 12 }), async (requests) => {
      const server = await openServer(OPTIONS);
      try {
        for (const { draft, faults, stream: kind } of requests) {
          const changed = faults.reduce((now, change) => change(now), draft);
          const [eventId = "none"] = await lastEvents(server.storage, 1);
          const query = { ...firstPage, limit: 1, workflowName: null, status: null, eventId: null };
          const runId = (await server.storage.listRuns(query)).items[0]?.runId ?? "none";
          const path = changed.path.replace("EVENT", eventId).replace("RUN", runId);
          const end = await tryOne(server, { ...changed, path }, kind);
          ends.set(end, (ends.get(end) ?? 0) + 1);
        }
        const errors = server.lines.filter(({ level }) => level === "error");
        assert.equal(errors, []);
      } finally {
        await server.close();
      }
    }),
    300,
  );
  // What never comes about is not tried, and a property that tries nothing holds.
  const missing = USUAL.filter((end) => !ends.has(end));
  if (process.env.FC_PATH === undefined) assert.equal(missing, [], JSON.stringify([...ends]));
});

test.run();
