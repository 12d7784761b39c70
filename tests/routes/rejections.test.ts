import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ON_PURPOSE, PUBLIC_URL, SECRETS, SETTINGS } from "../doctor/on-purpose.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { ADMIN_TOKEN } from "../support/open-latchhook.ts";
import {
  type Answer,
  type Ask,
  AUTHORIZED,
  DOORS,
  type DoorName,
  type Json,
  openServer,
  type TestServer,
} from "../support/open-server.ts";
import { problemOf } from "../support/problem-of.ts";
import { until } from "../support/until.ts";

interface Context {
  server: TestServer;
  clock: ManualClock;
  /** Diagnoses that are done. */
  looks: number[];
}

const test = suite<Context>("routes/rejections");
test.before.each(async (t) => {
  t.clock = new ManualClock();
  t.looks = [];
  const onDiagnosed = (macs: number): void => void t.looks.push(macs);
  const options = { ...SETTINGS, clock: t.clock, publicUrl: PUBLIC_URL, adminToken: ADMIN_TOKEN };
  t.server = await openServer(options, { doctor: { onDiagnosed } });
});
test.after.each((t) => t.server.close());

for (const door of DOORS) {
  test(`every cause gets the same 401, is stored nowhere and is listed with its advice, ${door}`, async (t) => {
    const { server } = t;
    const answers: Answer[] = [];
    const shown: string[] = [];
    const sent: string[] = [];
    for (const { provider, requests } of ON_PURPOSE) {
      for (const { headers, body } of requests(t.clock.now())) {
        const asked = { method: "POST", path: `/webhooks/${provider}`, headers, body };
        const looks = t.looks.length;
        const answer = await server.ask(door, asked);
        sent.push(...Object.values(headers));
        if (answer.status === 202) continue; // the one that held before its secret was changed
        answers.push(answer);
        await look(t, looks + 1);
        // What was found makes no delivery valid.
        assert.is((await server.ask(door, asked)).status, 401);
        await look(t, looks + 2);
      }
    }
    const [first] = answers;
    for (const answer of answers) assert.is(bytesOf(answer), bytesOf(first as Answer));
    assert.equal([first?.status, problemOf(first as Answer).name], [401, "signature_invalid"]);
    assert.equal(await server.count(), { events: 1, runs: 0 });

    const items = await list(server, door, "/rejections");
    for (const { provider, reason, advice, isProven } of ON_PURPOSE) {
      const found = items.find((item) => item.provider === provider && item.reason === reason);
      assert.ok(found, `${provider} ${reason}`);
      assert.match(String(found.advice), advice);
      assert.is(found.proven, isProven);
      assert.match(String(found.request_id), /^req_/);
      assert.match(String(found.first_at), /^2026-01-01T00:\d\d:\d\d\.\d{3}Z$/);
      assert.ok(Number(found.count) >= 1 && String(found.last_at) >= String(found.first_at));
    }
    const times = items.map((item) => String(item.last_at));
    assert.equal(times, [...times].sort().reverse());

    const lines = server.lines.filter(({ message }) => message === "signature diagnosed");
    assert.ok(lines.length >= ON_PURPOSE.length);
    for (const { fields } of lines) {
      const id = Reflect.get(fields, "request_id");
      const refused = server.lines.find(
        (line) => line.message === "request refused" && Reflect.get(line.fields, "request_id") === id,
      );
      assert.ok(refused, "each diagnosis names a request whose refusal is logged, too");
    }
    shown.push(JSON.stringify(items), JSON.stringify(server.lines), ...answers.map(({ text }) => text));
    const all = shown.join("\n");
    for (const secret of [...SECRETS, ...digestsOf(sent), "evt_of-nobody-else", "grüße"]) {
      assert.not.ok(all.includes(secret.trim()), secret);
      assert.not.ok(all.includes(Buffer.from(secret).toString("base64")), secret);
    }
  });
}

test("the list is the admin's alone, of one provider where asked, and takes nothing else", async (t) => {
  const { server } = t;
  const unauthorized = await server.askBoth({ path: "/rejections" });
  assert.equal([unauthorized.status, problemOf(unauthorized).name], [401, "unauthorized"]);
  const posted = await server.askBoth({
    method: "POST",
    path: "/rejections",
    headers: AUTHORIZED,
    body: "{}",
  });
  assert.equal([posted.status, posted.headers.get("allow")], [405, "HEAD, GET"]);
  const empty = await server.askBoth({ path: "/rejections", headers: AUTHORIZED });
  assert.equal(empty.json, { items: [], next_cursor: null });

  for (const provider of ["busy", "cut"]) {
    await server.ask("http", {
      method: "POST",
      path: `/webhooks/${provider}`,
      headers: JSON_TYPE,
      body: "{}",
    });
  }
  await look(t, 2);
  const of = async (query: string): Promise<string[]> =>
    (await list(server, "http", `/rejections${query}`)).map(({ provider }) => String(provider));
  assert.equal((await of("")).sort(), ["busy", "cut"]);
  assert.equal(await of("?provider=cut"), ["cut"]);
  assert.equal(await of("?provider=acme"), []);
  for (const query of ["?limit=5", "?provider=", "?provider=a&provider=b", "?reason=stale"]) {
    const refused = await server.askBoth({ path: `/rejections${query}`, headers: AUTHORIZED });
    assert.equal([refused.status, problemOf(refused).name], [422, "query_invalid"]);
  }
  const head = await server.askBoth({ method: "HEAD", path: "/rejections", headers: AUTHORIZED });
  assert.equal([head.status, head.text], [200, ""]);
});

test("a delivery that is no business of a signature is none of the doctor's", async (t) => {
  const { server, clock } = t;
  const asks: Ask[] = [
    { method: "POST", path: "/webhooks/unknown", headers: JSON_TYPE, body: "{}" },
    { method: "POST", path: "/webhooks/cut", headers: { "content-type": "text/plain" }, body: "{}" },
    { method: "POST", path: "/webhooks/cut", headers: JSON_TYPE, body: " ".repeat(30 * 1_048_576) },
    { path: "/runs" },
  ];
  for (const asked of asks) assert.ok((await server.ask("fetch", asked)).status >= 400);
  await clock.advance(5_000);
  assert.equal([t.looks, await list(server, "http", "/rejections")], [[], []]);
});

test("a stop with a refusal that waits ends at once and leaves no timer", async (t) => {
  const { server, clock } = t;
  await server.ask("http", { method: "POST", path: "/webhooks/cut", headers: JSON_TYPE, body: "{}" });
  const stopped = server.latchhook.stop();
  await clock.advance(10_000);
  await stopped;
  assert.equal(t.looks, []);
  assert.is(clock.pending, 0);
});

test.run();

const JSON_TYPE = { "content-type": "application/json" };

/** Lets the doctor come to its looks. */
async function look({ clock, looks }: Context, count: number): Promise<void> {
  await until(async () => {
    await clock.advance(250);
    return looks.length >= count;
  }, `look ${count}`);
}

async function list(server: TestServer, door: DoorName, path: string): Promise<Json[]> {
  const answer = await server.ask(door, { path, headers: AUTHORIZED });
  assert.is(answer.status, 200);
  assert.is(answer.json.next_cursor, null);
  return answer.json.items as Json[];
}

/** All that the sender sees, but for the id of the request and what belongs to the connection. */
function bytesOf({ status, headers, text }: Answer): string {
  const kept = [...headers].filter(([name]) => !["date", "connection", "keep-alive"].includes(name));
  return JSON.stringify([status, kept, text.replace(/req_[\w-]+/, "req_")]);
}

/** Signatures, and their bytes in every spelling. */
function digestsOf(values: readonly string[]): string[] {
  return values
    .flatMap((value) => value.match(/[A-Za-z0-9+/]{26,}={0,2}/g) ?? [])
    .flatMap((text) => [
      text,
      Buffer.from(text, "hex").toString("base64"),
      Buffer.from(text, "base64").toString("hex"),
    ])
    .filter((text) => text.length >= 20);
}
