import { createHmac, randomBytes } from "node:crypto";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isEqualInConstantTime } from "../../../lib/constant-time.ts";
import type { Storage } from "../../../lib/repositories.ts";
import { generic } from "../../../lib/schemes/generic.ts";
import { createStorageBackend } from "../../../lib/storage/backend.ts";
import { Verifier } from "../../../lib/verify/verify.ts";
import { AUTHORIZED, delivery, openServer } from "../../support/open-server.ts";

const test = suite("hostile/timing");

/** Says nothing, so that only its time can be told apart. */
type Compare = (given: Uint8Array, expected: Uint8Array) => boolean;

/** What a comparison must not do: it ends at the first difference. */
const leaking: Compare = (given, expected) => {
  for (let at = 0; at < given.length; at++) if (given[at] !== expected[at]) return false;
  return given.length === expected.length;
};

const EXPECTED = randomBytes(32);
/** Wrong in its first byte, and in its last: 31 bytes are between what an early end would take for the two. */
const WRONG_FIRST = Buffer.from(EXPECTED).fill((EXPECTED[0] ?? 0) ^ 1, 0, 1);
const WRONG_LAST = Buffer.from(EXPECTED).fill((EXPECTED[31] ?? 0) ^ 1, 31);

const ROUNDS = 300;
const TRIES = 8;

test("a comparison takes as long for a wrong first byte as for a wrong last one, and the measure tells one that does not", () => {
  const differs = (compare: Compare) => (): number =>
    differenceNs(
      () => compare(WRONG_FIRST, EXPECTED),
      () => compare(WRONG_LAST, EXPECTED),
      1_000,
    );
  const { ours, leak } = compared(differs(isEqualInConstantTime), differs(leaking));
  assert.ok(ours < leak / 4, `${ours} ns a call of ours, ${leak} ns of one that ends early`);
});

test("a whole verification takes as long for a wrong first digit as for a wrong last one", () => {
  const [secret, body] = ["s3cret", Buffer.from('{"workflow_name":"quick","inputs":{}}')];
  const right = createHmac("sha256", secret).update(body).digest();
  const wrongAt = (at: number): Uint8Array => Buffer.from(right).fill((right[at] ?? 0) ^ 1, at, at + 1);
  const [first, last] = [wrongAt(0), wrongAt(31)];
  const [firstHeaders, lastHeaders] = [first, last].map(
    (mac) => new Headers({ "x-signature": Buffer.from(mac).toString("hex") }),
  ) as [Headers, Headers];
  const verifier = new Verifier(generic, [secret]);
  const verify = (headers: Headers) => (): boolean => {
    try {
      verifier.verify({ method: "POST", url: null, headers, body }, 0);
      return true;
    } catch {
      return false;
    }
  };
  const hashed = (mac: Uint8Array) => (): boolean =>
    leaking(mac, createHmac("sha256", secret).update(body).digest());
  const { ours, leak } = compared(
    () => differenceNs(verify(firstHeaders), verify(lastHeaders), 40),
    () => differenceNs(hashed(first), hashed(last), 40),
  );
  assert.ok(ours < leak / 4, `${ours} ns a call of ours, ${leak} ns of one that ends early`);
});

test("before the signature or token holds nothing is asked of the storage, for a known id as for an unknown", async () => {
  const calls: string[] = [];
  const storage = countingStorage(await createStorageBackend(":memory:"), calls);
  const server = await openServer({ storage });
  try {
    const body = { workflow_name: "any", inputs: {}, webhook_id: "known" };
    const { json } = await server.ask("http", delivery(body));
    const [run, event] = [String(json.run_id), String(json.event_id)];
    await server.reaches(run, "succeeded");
    calls.length = 0;
    for (const id of ["known", "unknown"]) {
      const asked = delivery(
        { ...body, webhook_id: id },
        { secret: "wrong", headers: { "idempotency-key": id } },
      );
      assert.is((await server.ask("http", asked)).status, 401);
    }
    const paths = [run, `run_${"A".repeat(24)}`].map((id) => `/runs/${id}`);
    for (const path of [...paths, `/events/${event}`, `/events/evt_${"A".repeat(24)}`]) {
      assert.is((await server.ask("http", { path })).status, 401);
      assert.is(
        (await server.ask("http", { path, method: "DELETE" })).status,
        path.includes("runs") ? 405 : 401,
      );
    }
    assert.equal(
      calls.filter((name) => ASKED_BY_SENDERS.test(name)),
      [],
    );
    // That it would be seen:
    await server.ask("http", { path: paths[0] ?? "", headers: AUTHORIZED });
    await server.ask("http", delivery(body));
    assert.equal(
      calls.filter((name) => ASKED_BY_SENDERS.test(name)),
      ["getRun", "accept"],
    );
  } finally {
    await server.close();
    await storage.close();
  }
});

test.run();

/** What routes ask; the runner asks for more by itself. */
const ASKED_BY_SENDERS =
  /^(accept|findAccepted|getRun|getEvent|listRuns|listEvents|eraseEvent|retry|cancel|replay)/;

function countingStorage(storage: Storage, calls: string[]): Storage {
  return new Proxy(storage, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        calls.push(String(name));
        return Reflect.apply(value, target, args);
      };
    },
  });
}

/**
 * The smallest difference of ours in some tries, beside the largest of one that leaks: noise makes a difference seem
 * larger, and a leak is there in every try.
 */
function compared(ours: () => number, leaky: () => number): { ours: number; leak: number } {
  const tries = Array.from({ length: TRIES }, () => [ours(), leaky()] as const);
  const sorted = (at: 0 | 1): number[] => tries.map((one) => one[at]).sort((a, b) => a - b);
  return { ours: sorted(0)[1] ?? 0, leak: sorted(1)[TRIES / 2] ?? 0 };
}

/**
 * By how many nanoseconds a call of one differs from a call of the other: the median over rounds in which both are
 * timed one after the other, in an order that changes, so that whatever else the machine does meets both.
 */
function differenceNs(a: () => boolean, b: () => boolean, calls: number): number {
  const differences: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const isTurned = round % 2 === 1;
    const first = timeNs(isTurned ? b : a, calls);
    const second = timeNs(isTurned ? a : b, calls);
    differences.push((isTurned ? second - first : first - second) / calls);
  }
  differences.sort((x, y) => x - y);
  return Math.abs(differences[ROUNDS / 2] ?? 0);
}

function timeNs(call: () => boolean, calls: number): number {
  let holds = 0;
  const startedAt = process.hrtime.bigint();
  for (let at = 0; at < calls; at++) if (call()) holds++;
  const endedAt = process.hrtime.bigint();
  // Looked at, or the calls would be taken for dead code.
  if (holds > 0) throw new Error(`A wrong signature held ${holds} times`);
  return Number(endedAt - startedAt);
}
