import { suite } from "uvu";
import * as assert from "uvu/assert";
import { defineWorkflow } from "../../lib/define-workflow.ts";
import { encodeText } from "../../lib/json.ts";
import type { LatchhookOptions } from "../../lib/options.ts";
import type { Scheme, SchemeOptions } from "../../lib/scheme.ts";
import { resolveScheme } from "../../lib/schemes/define-scheme.ts";
import { builtInScheme, builtInSchemeNames } from "../../lib/schemes/mod.ts";
import { signatureHeaders } from "../../lib/verify/families.ts";
import { headersOf } from "../../lib/verify/read.ts";
import { signDelivery } from "../../lib/verify/sign.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { type Answer, type Ask, type Json, openServer, type TestServer } from "../support/open-server.ts";
import { until } from "../support/until.ts";

const SECRET = "a secret of a provider";
const DAY_MS = 86_400_000;
const RETENTION_DAYS = 2;
const ID_RETENTION_DAYS = 5;

/** Schemes whose id and event are in unsigned headers, and whose bodies do not repeat. */
const GUARDED = ["github", "razorpay", "bitbucket", "jira", "sentry", "gitea", "forgejo", "gogs"];

const quiet = defineWorkflow({ run: () => null });

/** A server with one workflow on the provider, under a clock that the test moves. */
async function serverOf(
  provider: string,
  given: LatchhookOptions = {},
): Promise<TestServer & { clock: ManualClock }> {
  const clock = new ManualClock();
  const server = await openServer({
    workflows: { quiet: { ...quiet, on: [{ provider }] } },
    secrets: { [provider]: SECRET },
    clock,
    ...given,
  });
  return Object.assign(server, { clock });
}

function schemeOf(provider: string): Scheme {
  const scheme = builtInScheme(provider);
  assert.ok(scheme, provider);
  return scheme as Scheme;
}

/** A delivery as the provider sends it. */
function signed(
  provider: string,
  scheme: Scheme,
  body: string,
  id: string | null,
  at = 0,
): Ask & { headers: Json } {
  const sent = signDelivery(scheme, SECRET, {
    method: "POST",
    url: null,
    body: encodeText(body),
    contentType: "application/json",
    at,
    id,
    type: "push",
  });
  const bytes = Uint8Array.from(sent.body);
  return { path: `/webhooks/${provider}`, method: "POST", headers: { ...sent.headers }, body: bytes };
}

/** The request as somebody who captured it sends it again: all that is not signed is their own. */
function forged(scheme: Scheme, ask: Ask, id: string): Ask {
  const own = [...headersOf(scheme.id), ...headersOf(scheme.type)];
  assert.ok(own.every((name) => !signatureHeaders(scheme).includes(name)));
  const made = Object.fromEntries(own.map((name) => [name, `${name.length} ${id}`]));
  return {
    ...ask,
    headers: {
      ...ask.headers,
      ...made,
      "user-agent": "somebody else",
      date: "Thu, 01 Jan 2026 00:00:00 GMT",
    },
  };
}

async function eventsOf(server: TestServer, query = ""): Promise<Json[]> {
  return (await server.admin("GET", `/events${query}`)).json.items as Json[];
}

const BODY = '{"action":"opened","event":"payment.captured","webhookEvent":"jira:issue_created","n":1}';

/** Lets time pass, and then one pass of retention, which is told what the program tells it. */
async function pass(server: TestServer & { clock: ManualClock }, days: number): Promise<void> {
  server.clock.jumpWall(days * DAY_MS);
  const now = server.clock.now();
  await server.storage.cleanup({
    now,
    eraseBefore: now - RETENTION_DAYS * DAY_MS,
    deleteBefore: now - ID_RETENTION_DAYS * DAY_MS,
    marksBefore: now - ID_RETENTION_DAYS * DAY_MS,
    limit: 200,
  });
}

const test = suite("routes/replay-guard");

test("the guard by the body is on where ids are unsigned and bodies do not repeat, and nowhere else", () => {
  const on = builtInSchemeNames().filter((name) => builtInScheme(name)?.replayGuard === "body");
  assert.equal(on.sort(), [...GUARDED].sort());
  // An order that is created and paid at once comes twice with one body, under two topics that nobody signs.
  assert.is(builtInScheme("shopify")?.replayGuard, "body+type");
  for (const name of ["generic", "dropbox"]) assert.is(builtInScheme(name)?.replayGuard, undefined);
});

for (const provider of GUARDED) {
  test(`a request that was captured at ${provider} starts nothing under any id, event or time, until ids are forgotten`, async () => {
    const server = await serverOf(provider);
    const scheme = schemeOf(provider);
    const success = scheme.answer?.status ?? 202;
    try {
      const ask = signed(provider, scheme, BODY, "guid-1", server.clock.now());
      const first = await server.ask("http", ask);
      assert.is(first.status, success);
      assert.is(first.json.status, "accepted");
      const expected = (answer: Answer): void => {
        assert.is(answer.status, success);
        assert.equal(
          [answer.json.status, answer.json.event_id, answer.json.webhook_id],
          ["duplicate", first.json.event_id, "guid-1"],
        );
      };
      expected(await server.ask("http", ask));
      for (const [at, id] of ["guid-2", "", "x".repeat(300)].entries()) {
        expected(await server.ask(at === 1 ? "fetch" : "http", forged(scheme, ask, id)));
      }
      const bare = Object.fromEntries(
        Object.entries(ask.headers).filter(([name]) =>
          [...signatureHeaders(scheme), "content-type"].includes(name),
        ),
      ) as Record<string, string>;
      expected(await server.ask("http", { ...ask, headers: bare }));

      await pass(server, 1);
      expected(await server.ask("http", forged(scheme, ask, "a day later")));
      await pass(server, RETENTION_DAYS);
      assert.is.not((await eventsOf(server))[0]?.erased_at, null);
      expected(await server.ask("http", forged(scheme, ask, "after the erasure")));
      assert.equal(
        (await eventsOf(server, "?webhook_id=guid-1")).map(({ event_id }) => event_id),
        [first.json.event_id],
      );
      assert.equal(await eventsOf(server, "?webhook_id=guid-2"), []);
      assert.equal(await server.count(), { events: 1, runs: 1 });

      await pass(server, ID_RETENTION_DAYS - RETENTION_DAYS - 1.001);
      expected(await server.ask("http", forged(scheme, ask, "at the last moment")));
      await pass(server, 0.002);
      const late = await server.ask("http", forged(scheme, ask, "after the ids"));
      assert.equal([late.status, late.json.status], [success, "accepted"]);
    } finally {
      await server.close();
    }
  });
}

test("a body that was captured at shopify counts once under each topic, whatever its id", async () => {
  const server = await serverOf("shopify");
  const scheme = schemeOf("shopify");
  try {
    const ask = signed("shopify", scheme, BODY, "guid-1");
    const of = (topic: string, id: string): Ask => ({
      ...ask,
      headers: {
        ...(ask.headers as Record<string, string>),
        "x-shopify-topic": topic,
        "x-shopify-webhook-id": id,
      },
    });
    for (const topic of ["orders/create", "orders/paid"]) {
      assert.is((await server.ask("http", of(topic, `${topic} 1`))).json.status, "accepted");
      assert.is((await server.ask("http", of(topic, `${topic} 2`))).json.status, "duplicate");
    }
    assert.equal((await server.count()).events, 2);
  } finally {
    await server.close();
  }
});

test("a topic that somebody makes up at shopify starts no workflow that names its own", async () => {
  const on = [{ provider: "shopify", event: "orders/paid" }];
  const server = await serverOf("shopify", { workflows: { quiet: { ...quiet, on } } });
  try {
    const ask = signed("shopify", schemeOf("shopify"), BODY, "guid-1");
    for (const topic of ["orders/paid", "made/up", "orders/paid2", "ORDERS/PAID"]) {
      const headers = { ...(ask.headers as Record<string, string>), "x-shopify-topic": topic };
      assert.is((await server.ask("http", { ...ask, headers })).json.status, "accepted");
    }
    assert.equal(await server.count(), { events: 4, runs: 1 });
  } finally {
    await server.close();
  }
});

test("other bytes under the same id are another event, so nobody takes an id in advance", async () => {
  const server = await serverOf("github");
  const scheme = schemeOf("github");
  try {
    for (const body of [BODY, BODY.replace("1", "2"), `${BODY} `]) {
      const { json } = await server.ask("http", signed("github", scheme, body, "guid-1"));
      assert.is(json.status, "accepted");
    }
    assert.is((await eventsOf(server, "?webhook_id=guid-1")).length, 3);
  } finally {
    await server.close();
  }
});

test("a body that comes without an id is known by its hash, and again under one", async () => {
  const server = await serverOf("github");
  const scheme = schemeOf("github");
  try {
    const ask = signed("github", scheme, BODY, "guid-1");
    const { "x-github-delivery": _, ...headers } = ask.headers;
    const first = await server.ask("http", { ...ask, headers: headers as Record<string, string> });
    assert.match(String(first.json.webhook_id), /^sha256:[0-9a-f]{64}$/);
    const again = await server.ask("http", ask);
    assert.equal([again.json.status, again.json.event_id], ["duplicate", first.json.event_id]);
  } finally {
    await server.close();
  }
});

test("one body at two routes of one scheme is two events", async () => {
  const on = [{ provider: "github" }, { provider: "github-acme" }];
  const server = await serverOf("github", {
    workflows: { quiet: { ...quiet, on } },
    schemes: { "github-acme": "github" },
    secrets: { github: SECRET, "github-acme": SECRET },
  });
  try {
    const ask = signed("github", schemeOf("github"), BODY, "guid-1");
    for (const path of ["/webhooks/github", "/webhooks/github-acme"]) {
      assert.is((await server.ask("http", { ...ask, path })).json.status, "accepted");
      assert.is((await server.ask("http", { ...ask, path })).json.status, "duplicate");
    }
  } finally {
    await server.close();
  }
});

const SWITCHED: [what: string, options: SchemeOptions, secondId: string, again: string][] = [
  ["github without the guard", { extends: "github", replayGuard: "none" }, "guid-2", "accepted"],
  [
    "github without the guard under one id",
    { extends: "github", replayGuard: "none" },
    "guid-1",
    "duplicate",
  ],
  ["github as it is", { extends: "github" }, "guid-2", "duplicate"],
  ["dropbox with the guard", { extends: "dropbox", replayGuard: "body" }, "guid-2", "duplicate"],
  ["dropbox as it is", { extends: "dropbox" }, "guid-1", "accepted"],
];
for (const [what, options, secondId, again] of SWITCHED) {
  test(`the same bytes at ${what} are ${again} the second time`, async () => {
    const scheme = resolveScheme("mine", options);
    const server = await serverOf("mine", { schemes: { mine: options } });
    try {
      await server.ask("http", signed("mine", scheme, BODY, "guid-1"));
      await server.ask("http", signed("mine", scheme, BODY, secondId));
      assert.is((await server.count()).events, again === "accepted" ? 2 : 1);
    } finally {
      await server.close();
    }
  });
}

/** A place in the body at a scheme that is data alone. */
const nonce: SchemeOptions = {
  algorithm: "hmac-sha256",
  signature: { header: "x-mine-signature", encoding: "hex" },
  id: { header: "x-mine-id" },
  replayGuard: { body: "meta.nonce" },
};

test("a scheme of one's own names the place whose values count once", async () => {
  const scheme = resolveScheme("mine", nonce);
  const server = await serverOf("mine", { schemes: { mine: nonce } });
  const post = async (body: string, id: string): Promise<unknown> =>
    (await server.ask("http", signed("mine", scheme, body, id))).json.status;
  try {
    assert.is(await post('{"meta":{"nonce":"n1"},"n":1}', "a"), "accepted");
    assert.is(await post('{"meta":{"nonce":"n1"},"n":2}', "b"), "duplicate");
    assert.is(await post('{"meta":{"nonce":"n2"},"n":1}', "b"), "accepted");
    assert.is(await post(`{"meta":{"nonce":"${"n".repeat(100_000)}"}}`, "c"), "accepted");
    assert.is(await post(`{"meta":{"nonce":"${"n".repeat(100_000)}"},"n":1}`, "d"), "duplicate");
    assert.is(await post(`{"meta":{"nonce":"${"n".repeat(100_001)}"}}`, "e"), "accepted");
  } finally {
    await server.close();
  }
});

const mailgun = schemeOf("mailgun");
const TOKENS = ["0", "1", "2", "3"].map((digit) => digit.repeat(50));

function mail(id: string | null, token: number, at: number, more: Json = {}): Ask & { headers: Json } {
  const event = { ...(id === null ? {} : { id }), event: "delivered", ...more };
  const body = JSON.stringify({ signature: { token: TOKENS[token] }, "event-data": event });
  return signed("mailgun", mailgun, body, null, at);
}

/** What somebody makes of a delivery that they have seen: its signature under an event of their own. */
function forgedMail(ask: Ask, id: string | null): Ask {
  const body = JSON.parse(new TextDecoder().decode(ask.body as Uint8Array)) as Json;
  const event = { ...(id === null ? {} : { id }), event: "forged" };
  return { ...ask, body: JSON.stringify({ ...body, "event-data": event }) };
}

test("Mailgun's token counts for one event, whatever event it is put beside", async () => {
  const server = await serverOf("mailgun");
  try {
    const ask = mail("e1", 0, server.clock.now());
    const first = await server.ask("http", ask);
    assert.equal([first.status, first.json.status], [200, "accepted"]);
    for (const copy of [ask, forgedMail(ask, "e2"), forgedMail(ask, null), forgedMail(ask, "e1")]) {
      const answer = await server.ask("http", copy);
      assert.equal(
        [answer.status, answer.json.status, answer.json.event_id],
        [200, "duplicate", first.json.event_id],
      );
    }
    assert.equal(await server.count(), { events: 1, runs: 1 });
    const other = await server.ask("http", mail("e2", 1, server.clock.now()));
    assert.is(other.json.status, "accepted");
  } finally {
    await server.close();
  }
});

test("Mailgun's retry under a new token is a copy, and nobody makes another event of that token", async () => {
  const server = await serverOf("mailgun");
  try {
    await server.ask("http", mail("e1", 0, server.clock.now()));
    await pass(server, 1 / 24);
    const retry = mail("e1", 1, server.clock.now());
    for (const ask of [retry, forgedMail(retry, "e9"), forgedMail(retry, null)]) {
      assert.is((await server.ask("http", ask)).json.status, "duplicate");
    }
    assert.equal(await server.count(), { events: 1, runs: 1 });
  } finally {
    await server.close();
  }
});

test("Mailgun's token counts after the erasure, and then its time is over for long", async () => {
  const server = await serverOf("mailgun");
  try {
    const at = server.clock.now();
    const ask = mail("e1", 0, at);
    const { json } = await server.ask("http", ask);
    await server.admin("DELETE", `/events/${json.event_id}`);
    assert.is((await server.ask("http", forgedMail(ask, "e2"))).json.status, "duplicate");
    await pass(server, 8 / 24 + 0.001);
    assert.is((await server.ask("http", forgedMail(ask, "e2"))).status, 401);
  } finally {
    await server.close();
  }
});

test("a race of one Mailgun token under many ids makes one event", async () => {
  const server = await serverOf("mailgun");
  try {
    const ask = mail("e1", 0, server.clock.now());
    const asks = Array.from({ length: 30 }, (_, at) => forgedMail(ask, `race ${at}`));
    const answers = await Promise.all(asks.map((one) => server.ask("http", one)));
    const kinds = answers.map(({ json }) => json.status).sort();
    assert.equal(kinds, ["accepted", ...Array(29).fill("duplicate")]);
    assert.equal(await server.count(), { events: 1, runs: 1 });
  } finally {
    await server.close();
  }
});

test("where there is no room for runs, a copy under a new Mailgun token is refused, and its token is not lost", async () => {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const gated = { ...defineWorkflow({ run: () => opened }), on: [{ provider: "mailgun" }] };
  const server = await serverOf("mailgun", { workflows: { gated }, runsReadyMax: 1, concurrency: 1 });
  try {
    const now = server.clock.now();
    const post = async (ask: Ask): Promise<unknown> => {
      const { status, json } = await server.ask("http", ask);
      return status === 200 ? json.status : status;
    };
    assert.is(await post(mail("e1", 0, now)), "accepted");
    assert.is(await post(mail("e2", 1, now)), "accepted");
    const retry = mail("e1", 2, now);
    assert.is(await post(mail("e3", 3, now)), 503, "there is room");
    assert.is(await post(mail("e1", 0, now)), "duplicate");
    assert.is(await post(forgedMail(mail("e1", 0, now), null)), "duplicate");
    assert.is(await post(retry), 503);
    open();
    await server.clock.advance(0);
    await until(async () => (await server.storage.countReady(["gated"], 1)) === 0, "the runs to begin");
    await server.clock.advance(2_000); // until they are counted anew
    assert.is(await post(retry), "duplicate");
    assert.is(await post(forgedMail(retry, "e9")), "duplicate");
  } finally {
    open();
    await server.close();
  }
});

test.run();
