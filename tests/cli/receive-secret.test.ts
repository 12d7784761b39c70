import { connect, createServer } from "node:net";
import { PassThrough } from "node:stream";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { runCommand } from "../../lib/cli/commands.ts";
import { until } from "../support/until.ts";

const SECRET = "b537207f20cbfa02357cf448134da559";
const JSON_TYPE = { "content-type": "application/json" };

/** One call of the command, and what it has said so far. */
interface Call {
  readonly said: { stdout: string; stderr: string };
  readonly code: Promise<number>;
  abort(): void;
  /** Where it waits, once it does. */
  url(): Promise<string>;
}

const calls: Call[] = [];
const noServer = (): never => {
  throw new Error("nothing is served here");
};
const test = suite("cli/receive-secret");
test.after.each(async () => {
  for (const call of calls.splice(0)) {
    call.abort();
    await call.code;
  }
});

test("Asana's secret is echoed in its header and printed once, with the line for .env", async () => {
  const call = begin(["asana"]);
  const response = await post(await call.url(), { "x-hook-secret": SECRET }, "{}");
  assert.equal([response.status, await response.text()], [200, ""]);
  assert.is(response.headers.get("x-hook-secret"), SECRET);
  assert.is(await call.code, 0);
  assert.is(call.said.stdout, `${SECRET}\nWEBHOOK_SECRET_ASANA=${SECRET}\n`);
  assert.not.ok(call.said.stderr.includes(SECRET), "it is nowhere else");
  assert.match(call.said.stderr, /Put the line with WEBHOOK_SECRET_ASANA into \.env .*start the server/);
  assert.not.match(call.said.stderr, /page/);
});

test("Notion's secret is taken from the body, and the person is told where to paste it", async () => {
  const call = begin(["notion"]);
  const response = await post(
    await call.url(),
    {},
    '{"verification_token":"secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"}',
  );
  assert.is(response.status, 200);
  assert.is(response.headers.get("x-hook-secret"), null);
  assert.is(await call.code, 0);
  assert.match(call.said.stdout, /^(secret_\w+)\nWEBHOOK_SECRET_NOTION=\1\n$/);
  assert.match(call.said.stderr, /paste the secret.* into notion's page/);
});

test("a route made by WEBHOOK_SCHEME_{NAME} has its own path and variable, by name and by record", async () => {
  for (const scheme of ["asana", '{"extends":"asana"}']) {
    const call = begin(["asana-two", "--base-path", "/hooks"], { WEBHOOK_SCHEME_ASANA_TWO: scheme });
    const url = await call.url();
    assert.match(url, /\/hooks\/webhooks\/asana-two$/);
    assert.is((await post(url, { "x-hook-secret": SECRET }, "")).status, 200);
    assert.is(await call.code, 0);
    assert.match(call.said.stdout, `\nWEBHOOK_SECRET_ASANA_TWO=${SECRET}\n`);
  }
});

test("any other request gets 404 or 405 and does not end it", async () => {
  const call = begin(["asana"]);
  const url = await call.url();
  const secret = { "x-hook-secret": SECRET };
  const others: readonly [Promise<Response>, number][] = [
    [fetch(url), 405],
    [fetch(url, { method: "PUT", headers: secret, body: "{}" }), 405],
    [post(url.replace("asana", "notion"), secret, "{}"), 404],
    [post(`${url}/`, secret, "{}"), 404],
    [post(url.replace("/webhooks", "/hooks/webhooks"), secret, "{}"), 404],
    [post(url, {}, "{}"), 404],
    [post(url, {}, `{"verification_token":"${SECRET}"}`), 404],
    [post(url, secret, " ".repeat(16_385)), 413],
  ];
  for (const [response, status] of others) {
    const { status: answered, headers } = await response;
    assert.is(answered, status);
    assert.is(headers.get("x-hook-secret"), null);
  }
  assert.is(call.said.stdout, "");
  assert.is((await post(url, secret, "{}")).status, 200, "it still waits");
  assert.is(await call.code, 0);
});

test("a secret with white space, control characters or a quote is refused, and so is a long one", async () => {
  const call = begin(["notion"]);
  const url = await call.url();
  for (const secret of [
    "a\nWEBHOOK_ALLOW_UNSIGNED=true",
    "a\u001b[2J",
    "a b",
    "a'b",
    "é",
    "",
    "a".repeat(513),
    7,
    null,
  ]) {
    const response = await post(url, {}, JSON.stringify({ verification_token: secret }));
    assert.is(response.status, 404, JSON.stringify(secret));
  }
  const secret = '$(rm)`#;\\"';
  assert.is((await post(url, {}, JSON.stringify({ verification_token: secret }))).status, 200);
  assert.is(await call.code, 0);
  assert.is(call.said.stdout, `${secret}\nWEBHOOK_SECRET_NOTION='${secret}'\n`);
});

test("a second handshake that is under way by then gets 404, and its secret is nowhere", async () => {
  const call = begin(["asana"]);
  const url = await call.url();
  const { port, pathname } = new URL(url);
  let answered = "";
  const socket = connect(Number(port), "127.0.0.1").on("data", (chunk: Buffer) => {
    answered += chunk.toString();
  });
  const ended = new Promise((resolve) => socket.once("close", resolve));
  socket.write(
    `POST ${pathname} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nX-Hook-Secret: second\r\nContent-Length: 2\r\n\r\n{`,
  );
  await until(() => answered.includes("100 Continue"), "the second to be read");
  assert.is((await post(url, { "x-hook-secret": SECRET }, "{}")).status, 200);
  socket.write("}");
  assert.is(await call.code, 0);
  await ended;
  assert.match(answered, "HTTP/1.1 404");
  assert.not.match(answered + call.said.stdout, "second");
  assert.is(call.said.stdout, `${SECRET}\nWEBHOOK_SECRET_ASANA=${SECRET}\n`);
});

test("a stranger's half request holds it for no longer than an answer takes", async () => {
  const call = begin(["asana"]);
  const url = await call.url();
  const { port, pathname } = new URL(url);
  let answered = "";
  const socket = connect(Number(port), "127.0.0.1").on("data", (chunk: Buffer) => {
    answered += chunk.toString();
  });
  socket.on("error", () => {});
  socket.write(`POST ${pathname} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`);
  await until(() => answered.includes("100 Continue"), "the half request to be read");
  const begun = performance.now();
  await post(url, { "x-hook-secret": SECRET }, "{}");
  assert.is(await call.code, 0);
  assert.ok(performance.now() - begun < 10_000);
  socket.destroy();
});

test("without a handshake it ends with 1 after its time, and at once where it is interrupted", async () => {
  const late = begin(["asana", "--timeout", "50ms"]);
  assert.is(await late.code, 1);
  assert.match(late.said.stderr, /Cannot receive a secret from asana: no handshake came within 50ms/);
  const stopped = begin(["asana"]);
  await stopped.url();
  stopped.abort();
  assert.is(await stopped.code, 1);
  assert.match(stopped.said.stderr, /it was interrupted/);
  assert.is(late.said.stdout + stopped.said.stdout, "");
});

test("a taken port gives one line with the ways out", async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as { port: number };
  const call = begin(["asana"], { PORT: String(port) });
  assert.is(await call.code, 1);
  assert.match(
    call.said.stderr,
    new RegExp(`^Cannot listen on 127\\.0\\.0\\.1:${port}: the port is taken; .*stop the server there.*\n$`),
  );
  await new Promise((resolve) => other.close(resolve));
});

test("a secret that is set already is to be kept as the previous one", async () => {
  const call = begin(["asana"], { WEBHOOK_SECRET_ASANA: "pr3sent" });
  await post(await call.url(), { "x-hook-secret": SECRET }, "{}");
  assert.is(await call.code, 0);
  assert.match(call.said.stderr, /keep its present value as WEBHOOK_SECRET_ASANA_PREVIOUS/);
  assert.not.match(call.said.stderr + call.said.stdout, "pr3sent");
});

const wrong: readonly [args: string[], env: Record<string, string>, message: RegExp, code: number][] = [
  [[], {}, /without one provider's name/, 2],
  [["asana", "notion"], {}, /Cannot use "notion": one word too many/, 2],
  [["github"], {}, /Cannot receive a secret from "github": only asana, notion/, 1],
  [["constructor"], {}, /Cannot receive a secret from "constructor"/, 1],
  [["asana", "--timeout", "soon"], {}, /"soon" as --timeout/, 1],
  [["asana", "--base-path", "hooks"], {}, /"hooks" as --base-path/, 2],
  [["asana", "--port", "1"], {}, /--port/, 2],
  [["asana"], { PORT: "x" }, /Cannot use PORT="x"/, 1],
];
for (const [args, env, message, code] of wrong) {
  test(`called as ${JSON.stringify([args, env])} it says what is wrong`, async () => {
    const call = begin(args, env);
    assert.is(await call.code, code);
    assert.match(call.said.stderr, message);
    assert.is(call.said.stdout, "");
  });
}

test.run();

function begin(args: string[], env: Record<string, string> = {}): Call {
  const said = { stdout: "", stderr: "" };
  const stream = (name: "stdout" | "stderr"): PassThrough =>
    new PassThrough().on("data", (chunk: Buffer) => {
      said[name] += chunk.toString();
    });
  const aborter = new AbortController();
  const code = runCommand(["receive-secret", ...args], noServer, {
    env: { PORT: "0", ...env },
    stdin: new PassThrough(),
    stdout: stream("stdout"),
    stderr: stream("stderr"),
    signal: aborter.signal,
  });
  const call: Call = {
    said,
    code: code.then(async (ended) => {
      await new Promise(setImmediate); // what was written last is read by then
      return ended;
    }),
    abort: () => aborter.abort(),
    async url() {
      const found = (): string | undefined => /handshake on (http:\S+)/.exec(said.stderr)?.[1];
      await until(
        () => found() !== undefined,
        () => `it to wait; it said ${said.stderr}`,
      );
      return String(found());
    },
  };
  calls.push(call);
  return call;
}

function post(url: string, headers: Record<string, string>, body: string): Promise<Response> {
  return fetch(url, { method: "POST", headers: { ...JSON_TYPE, ...headers }, body });
}
