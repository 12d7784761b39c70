import { connect, type Socket } from "node:net";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Answer } from "../../lib/answer.ts";
import type { WebhookError } from "../../lib/errors.ts";
import { toRequest } from "../../lib/incoming.ts";
import { type Listening, type ListenLimits, listenNode } from "../../lib/listen/node.ts";
import { silentLog } from "../../lib/log.ts";
import type { Handle, Peer } from "../../lib/peer.ts";
import { rejects } from "../support/rejects.ts";
import { until } from "../support/until.ts";

const STATUS: Readonly<Record<string, number>> = {
  not_found: 404,
  header_repeated: 400,
  target_invalid: 400,
  internal: 503,
};

/** A handler in the web's own terms. */
type WebHandle = (request: Request, peer?: Peer) => Promise<Response>;

interface Context {
  open(handle?: WebHandle, limits?: Partial<ListenLimits>): Promise<Listening>;
}

const isBun = process.versions.bun !== undefined;

const opened: Listening[] = [];
const sockets: Socket[] = [];

const test = suite<Context>("listen/node");
test.before.each((context) => {
  context.open = async (handle = echo, limits = {}) => {
    const listening = await listenNode({
      host: "127.0.0.1",
      port: 0,
      handle: fromWeb(handle),
      refuse,
      log: silentLog,
      limits: { lingerMs: 200, checkMs: 20, ...limits },
    });
    opened.push(listening);
    return listening;
  };
});
test.after.each(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const listening of opened.splice(0)) {
    listening.closeAll();
    await listening.close();
  }
});

/** Answers with what it was given. */
const echo: WebHandle = async (request, peer) => {
  const { pathname, search } = new URL(request.url);
  const body = await request.text();
  return Response.json({
    method: request.method,
    target: pathname + search,
    body,
    headers: Object.fromEntries(request.headers),
    peer,
  });
};

function fromWeb(handle: WebHandle): Handle {
  return async (request, peer) => {
    const response = await handle(toRequest(request), peer);
    const { status, headers } = response;
    return { status, headers: Object.fromEntries(headers), body: await response.text() };
  };
}

function refuse(error: WebhookError): Answer {
  return {
    status: STATUS[error.code] ?? 500,
    headers: { "content-type": "application/problem+json" },
    body: JSON.stringify({ code: error.code }),
  };
}

const targets: readonly [target: string, expected: string | number][] = [
  ["/", "/"],
  ["/webhooks/generic", "/webhooks/generic"],
  ["/a-b_c.d~e!$&'()*+,;=:@", "/a-b_c.d~e!$&'()*+,;=:@"],
  ["/a/", "/a/"],
  ["/a?b=%2F%2e&c=//../", "/a?b=%2F%2e&c=//../"],
  ["/a?b=a?b", "/a?b=a?b"],
  ["/.a/a./...", "/.a/a./..."],
  ["http://local.test/a?b=%20", "/a?b=%20"],
  ["HTTP://LOCAL.test/a", "/a"],
  ["http://local.test", "/"],
  ["http://local.test?b", "/?b"],
  ["http://other.test/a", 404],
  ["http://user@local.test/a", 404],
  ["http://local.test:80/a", 404],
  ["//local.test/a", 404],
  ["/a//b", 404],
  ["/a//", 404],
  ["/a/./b", 404],
  ["/a/.", 404],
  ["/a/../b", 404],
  ["/..", 404],
  ["/a/%2e%2e/b", 404],
  ["/%61", 404],
  ["/a%", 404],
  ["/a\\b", 404],
  ["/a#b", 404],
  ["/a?b#c", 404],
  ["/a|b", 404],
  ['/a"b', 404],
];
for (const [target, expected] of targets) {
  test(`target ${target} is ${expected}`, async ({ open }) => {
    const listening = await open();
    const [answer] = await talk(
      listening,
      `GET ${target} HTTP/1.1\r\nHost: local.test\r\nConnection: close\r\n\r\n`,
    );
    if (typeof expected === "string") {
      assert.is(answer?.status, 200);
      assert.is(JSON.parse(answer?.body ?? "").target, expected);
    } else {
      assert.is(answer?.status, expected);
      assert.is(answer?.headers.get("content-type"), "application/problem+json");
    }
  });
}

const malformed: readonly [name: string, head: string, status: number][] = [
  ["two Host", "GET / HTTP/1.1\r\nHost: a\r\nhost: a", 400],
  ["two Authorization", "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: 1\r\nAUTHORIZATION: 1", 400],
  [
    "two Content-Type",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: a\r\nContent-Type: a\r\nContent-Length: 0",
    400,
  ],
  ["two Content-Length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0", 400],
  ["two Idempotency-Key", "POST / HTTP/1.1\r\nHost: a\r\nIdempotency-Key: 1\r\nIdempotency-Key: 2", 400],
  [
    "an Authorization hidden behind 2500 other headers",
    `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: 1\r\n${"a:\r\n".repeat(2_500)}Authorization: 2`,
    isBun ? 431 : 400, // Bun counts the headers
  ],
  ["no Host in HTTP/1.1", "GET / HTTP/1.1", 400],
  ["both lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked", 400],
  ["a coding before chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked", 400],
  ["chunked over HTTP/1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked", 400],
  ["an unknown method", "BREW / HTTP/1.1\r\nHost: a", 400],
  ["no HTTP", "hello", 400],
  ["headers over 16 KiB", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}`, 431],
  ["CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1", 405],
];
for (const [name, head, status] of malformed) {
  test(`${name} is ${status} and never reaches the handler`, async ({ open }) => {
    const listening = await open(async () => assert.unreachable("the handler was called") as never);
    const [answer, ...more] = await talk(listening, `${head}\r\nConnection: close\r\n\r\n`);
    assert.is(answer?.status, status);
    assert.is(more.length, 0);
    assert.is(answer?.headers.get("content-type"), "application/problem+json");
    assert.is(answer?.headers.get("server"), null);
    assert.is(answer?.headers.get("x-powered-by"), null);
  });
}

test("what Node itself refuses is answered as a problem with the standard headers", async ({ open }) => {
  const [answer] = await talk(await open(), "junk\r\n\r\n");
  assert.is(answer?.headers.get("cache-control"), "no-store");
  assert.is(answer?.headers.get("x-content-type-options"), "nosniff");
  assert.is(answer?.headers.get("referrer-policy"), "no-referrer");
  const { type, status, request_id } = JSON.parse(answer?.body ?? "");
  assert.equal([type, status], ["urn:latchhook:request_malformed", 400]);
  assert.match(request_id, /^req_.{24}$/);
});

test("method, headers, body and peer arrive as they were sent", async ({ open }) => {
  const listening = await open();
  const [answer] = await talk(
    listening,
    "PUT /a HTTP/1.1\r\nHost: Local.test\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 4\r\nConnection: close\r\n\r\n\u00e9\u00e9",
  );
  const { method, body, headers, peer } = JSON.parse(answer?.body ?? "");
  assert.equal(
    [method, body, headers["x-a"], headers["content-length"]],
    ["PUT", "\u00e9\u00e9", "1, 2", "4"],
  );
  const expected: Peer = { address: "127.0.0.1", host: "Local.test", port: listening.port };
  assert.equal(peer, expected);
});

test("HTTP/1.0 needs no Host, and the peer's host is null", async ({ open }) => {
  const [answer] = await talk(await open(), "GET / HTTP/1.0\r\n\r\n");
  assert.is(answer?.status, 200);
  assert.is(JSON.parse(answer?.body ?? "").peer.host, null);
});

test("a peer over a mapped address is shown by its IPv4 address", async () => {
  let listening: Listening;
  try {
    listening = await listenNode({ host: "::", port: 0, handle: fromWeb(echo), refuse, log: silentLog });
  } catch {
    return; // a machine without IPv6
  }
  opened.push(listening);
  const [answer] = await talk(listening, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  assert.is(JSON.parse(answer?.body ?? "").peer.address, "127.0.0.1");
});

test("TRACE and an upgrade go to the handler as ordinary requests", async ({ open }) => {
  const listening = await open();
  for (const [head, method] of [
    ["TRACE /a HTTP/1.1\r\nHost: a\r\nConnection: close", "TRACE"],
    ["GET /a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade, close", "GET"],
  ]) {
    const [answer] = await talk(listening, `${head}\r\n\r\n`);
    assert.is(answer?.status, 200);
    assert.is(JSON.parse(answer?.body ?? "").method, method);
  }
});

test("one connection serves request after request, whether the handler reads the body or not", async ({
  open,
}) => {
  const listening = await open(async (request) => {
    if (request.url.endsWith("/part")) await request.body?.getReader().read();
    return new Response(request.url.endsWith("/read") ? await request.text() : "unread");
  });
  const part =
    "POST /part HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n";
  const read = "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  const unread = "POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  const socket = dial(listening);
  const bytes = collect(socket);
  for (const [index, request] of [read, unread, part, unread, part, read].entries()) {
    socket.write(request);
    await until(() => parse(bytes()).length === index + 1, `answer ${index}`);
  }
  assert.equal(
    parse(bytes()).map(({ body, headers }) => [body, headers.get("content-length")]),
    [["abc", "3"], ...Array.from({ length: 4 }, () => ["unread", "6"]), ["abc", "3"]],
  );
});

test("so many requests at once are answered in order, and one more ends the connection", async ({ open }) => {
  const gate = gateway();
  const listening = await open(
    async (request) => {
      await gate.promise;
      return new Response(new URL(request.url).pathname);
    },
    { pipelinedMax: 3 },
  );
  const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
  const [within, over] = [dial(listening), dial(listening)];
  const bytes = collect(within);
  within.write(ask("/1") + ask("/2") + ask("/3"));
  over.write(ask("/1") + ask("/2") + ask("/3") + ask("/4"));
  await until(() => over.destroyed, "the connection to end");
  gate.resolve();
  await until(() => parse(bytes()).length === 3, "three answers");
  within.write(ask("/4"));
  await until(() => parse(bytes()).length === 4, "a fourth answer");
  assert.equal(
    parse(bytes()).map(({ body }) => body),
    ["/1", "/2", "/3", "/4"],
  );
});

test("a chunked body arrives whole, and large ones too", async ({ open }) => {
  const listening = await open(async (request) => {
    let bytes = 0;
    for await (const chunk of request.body ?? []) bytes += chunk.length;
    return new Response(String(bytes));
  });
  const [answer] = await talk(
    listening,
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
  );
  assert.is(answer?.body, "5");
  const response = await fetch(urlOf(listening), { method: "POST", body: new Uint8Array(20_000_000) });
  assert.is(await response.text(), "20000000");
});

test("what the handler has not asked for of a body is left with the sender", async ({ open }) => {
  const gate = gateway();
  const listening = await open(async (request) => {
    const reader = request.body?.getReader();
    let bytes = 0;
    for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read()) {
      bytes += part.value.length;
      await gate.promise; // after the first piece
    }
    return new Response(String(bytes));
  });
  const socket = dial(listening);
  const bytes = collect(socket);
  const piece = new Uint8Array(64_000);
  const pieces = 1_000;
  let sent = 0;
  const pump = (): void => {
    while (sent < pieces) {
      sent++;
      if (!socket.write(piece)) break;
    }
  };
  socket.on("drain", pump);
  socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${pieces * piece.length}\r\n\r\n`);
  pump();
  // The kernel and Node hold some megabytes; the rest has to wait.
  let before = -1;
  await until(async () => {
    const isStill = sent === before;
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return isStill && sent === before;
  }, "the sender to be held up or done");
  assert.ok(sent < pieces, "the server took the whole body");
  gate.resolve();
  await until(() => parse(bytes()).length === 1, "the answer");
  assert.is(parse(bytes())[0]?.body, String(pieces * piece.length));
});

test("an answer before the body's end is read whole by the sender, and then the connection ends", async ({
  open,
}) => {
  const listening = await open(async () => new Response("too large", { status: 413 }));
  const socket = dial(listening);
  const bytes = collect(socket);
  const ended = new Promise((resolve) => socket.once("close", resolve));
  socket.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
  for (let index = 0; index < 30; index++) socket.write(new Uint8Array(100_000));
  await until(() => parse(bytes()).length === 1, "the answer");
  const [answer] = parse(bytes());
  assert.equal(
    [answer?.status, answer?.body, answer?.headers.get("connection")],
    [413, "too large", "close"],
  );
  assert.equal(socket.errored ?? null, null);
  await ended;
});

test("what follows an answer that ends the connection never reaches the handler", async ({ open }) => {
  const paths: string[] = [];
  const listening = await open(async (request) => {
    paths.push(new URL(request.url).pathname);
    return new Response("early");
  });
  const socket = dial(listening);
  const bytes = collect(socket);
  socket.write("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
  await until(() => parse(bytes()).length === 1, "the answer");
  socket.write("abcPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  await until(() => socket.destroyed, "the connection to end");
  assert.equal(paths, ["/1"]);
  assert.is(parse(bytes()).length, 1);
});

test("fetch reads an answer that overtakes its body", async ({ open }) => {
  const listening = await open(async () => new Response("too large", { status: 413 }));
  for (let round = 0; round < 5; round++) {
    const response = await fetch(urlOf(listening), { method: "POST", body: new Uint8Array(3_000_000) });
    assert.equal([response.status, await response.text()], [413, "too large"]);
  }
});

test("a body is asked for by 100 Continue only when the handler asks for it", async ({ open }) => {
  const listening = await open(async (request) => {
    return request.url.endsWith("/read")
      ? new Response(await request.text())
      : new Response("no", { status: 401 });
  });
  const head = "HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
  const reading = dial(listening);
  const read = collect(reading);
  reading.write(`POST /read ${head}`);
  await until(() => read().startsWith("HTTP/1.1 100 Continue\r\n\r\n"), "100 Continue");
  reading.write("abc");
  await until(() => read().endsWith("abc"), "the echo");

  const [answer] = await talk(listening, `POST /no ${head}`);
  assert.equal([answer?.status, answer?.headers.get("connection")], [401, "close"]);
});

test("HEAD gets the headers without a body, and the connection stays in step", async ({ open }) => {
  const listening = await open(async () => new Response("body", { headers: { "x-a": "1" } }));
  const socket = dial(listening);
  const bytes = collect(socket);
  socket.write("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(() => bytes().endsWith("\r\n\r\n"), "the head");
  assert.match(bytes(), /^HTTP\/1\.1 200 .*\r\nx-a: 1\r\n/is);
  socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  await until(() => bytes().endsWith("body"), "the second answer");
});

test("statuses with and without a body go out as the handler made them", async ({ open }) => {
  const listening = await open(async (request) => {
    if (request.url.endsWith("/none")) return new Response(null, { status: 204 });
    if (request.url.endsWith("/empty")) return new Response(null, { status: 202 });
    return new Response("gr\u00fc\u00dfe", { status: 207, headers: { "x-a": "1" } });
  });
  for (const [path, status, text, length] of [
    ["some", 207, "gr\u00fc\u00dfe", "7"],
    ["none", 204, "", null],
    ["empty", 202, "", "0"],
  ] as const) {
    const response = await fetch(`${urlOf(listening)}/${path}`);
    const found = [response.status, await response.text(), response.headers.get("content-length")];
    assert.equal(found, [status, text, length]);
  }
});

test("a handler that rejects is answered as our own fault", async ({ open }) => {
  const listening = await open(async () => {
    throw new Error("secret detail");
  });
  const response = await fetch(urlOf(listening));
  assert.equal([response.status, await response.json()], [503, { code: "internal" }]);
});

test("a sender that hangs up aborts the signal and errors the body", async ({ open }) => {
  const seen: string[] = [];
  const listening = await open(async (request) => {
    request.signal.addEventListener("abort", () => seen.push("aborted"));
    await request.text().catch(() => seen.push("body failed"));
    return new Response("nobody reads this");
  });
  const socket = dial(listening);
  socket.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.destroy();
  await until(() => seen.length === 2, "both");
  assert.equal(seen.sort(), ["aborted", "body failed"]);
});

test("a sender that waits and hangs up aborts the signal", async ({ open }) => {
  const aborted = gateway();
  const begun = gateway();
  const listening = await open(async (request) => {
    request.signal.addEventListener("abort", () => aborted.resolve());
    begun.resolve();
    await aborted.promise;
    return new Response();
  });
  const socket = dial(listening);
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await begun.promise;
  socket.destroy();
  await aborted.promise;
});

test("a request that is over does not abort its signal", async ({ open }) => {
  let isAborted = false;
  const listening = await open(async (request) => {
    request.signal.addEventListener("abort", () => {
      isAborted = true;
    });
    return new Response(await request.text());
  });
  await (await fetch(urlOf(listening), { method: "POST", body: "a" })).text();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.not.ok(isAborted);
});

const slow: readonly [name: string, text: string][] = [
  ["headers", "GET / HTTP/1.1\r\nHo"],
  ["a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc"],
];
for (const [name, text] of slow) {
  test(`${name} that do not come to an end are answered with 408`, async ({ open }) => {
    const listening = await open(echo, { headersMs: 60, requestMs: 120 });
    const [answer] = await talk(listening, text);
    assert.is(answer?.status, 408);
    assert.is(answer?.headers.get("connection"), "close");
  });
}

test("an idle connection ends after the keep-alive time", async ({ open }) => {
  const listening = await open(echo, { keepAliveMs: 50 });
  const startedAt = performance.now();
  const [answer] = await talk(listening, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.is(answer?.status, 200);
  assert.ok(performance.now() - startedAt < 5_000);
});

test("close lets requests under way finish and ends every other connection", async ({ open }) => {
  const gate = gateway();
  const begun = gateway();
  const listening = await open(async (request) => {
    if (request.url.endsWith("/slow")) {
      begun.resolve();
      await gate.promise;
    }
    return new Response("done");
  });
  const silent = dial(listening);
  await new Promise((resolve) => silent.once("connect", resolve));
  const idle = dial(listening);
  const idleBytes = collect(idle);
  idle.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(() => parse(idleBytes()).length === 1, "the idle one's answer");
  const busy = dial(listening);
  const busyBytes = collect(busy);
  busy.write("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  await begun.promise;

  let isClosed = false;
  const closing = listening.close().then(() => {
    isClosed = true;
  });
  // Bun tells its server of a connection with the first bytes only, and ends a silent one with the process.
  await until(() => (silent.destroyed || isBun) && idle.destroyed, "the idle connections to end");
  assert.not.ok(busy.destroyed);
  assert.not.ok(isClosed);
  const late = dial(listening);
  await until(() => late.destroyed, "a new connection to be refused");

  gate.resolve();
  await closing;
  await until(() => busy.destroyed, "the busy connection to end");
  const [answer] = parse(busyBytes());
  assert.equal([answer?.body, answer?.headers.get("connection")], ["done", "close"]);
});

test("closeAll cuts what close waits for", async ({ open }) => {
  const begun = gateway();
  const listening = await open(async (request) => {
    begun.resolve();
    await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
    return new Response();
  });
  const busy = dial(listening);
  busy.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await begun.promise;
  const closing = listening.close();
  listening.closeAll();
  await closing;
  await until(() => busy.destroyed, "the connection to end");
});

test("a taken port is refused in one line that names PORT=", async ({ open }) => {
  const { port } = await open();
  const options = { host: "127.0.0.1", port, handle: fromWeb(echo), refuse, log: silentLog };
  await rejects(listenNode(options), /^Cannot listen on 127\.0\.0\.1:\d+: the port is taken; .*PORT=\d+$/);
});

test("an address that this machine does not have is refused in one line that names HOST=", async () => {
  const options = { host: "192.0.2.1", port: 0, handle: fromWeb(echo), refuse, log: silentLog };
  await rejects(listenNode(options), /^Cannot listen on 192\.0\.2\.1:0: [^\n]*HOST=/);
});

test("the server outlives every way to break off", async ({ open }) => {
  const listening = await open();
  const pieces = [
    "",
    "\r\n",
    "GET",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\njunk\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\u0016\u0003\u0001\u0000\u00a5",
  ];
  for (const piece of pieces) {
    for (const end of ["destroy", "end", "resetAndDestroy"] as const) {
      const socket = dial(listening);
      await new Promise((resolve) => socket.write(piece, resolve));
      socket[end]();
    }
  }
  assert.is((await fetch(urlOf(listening))).status, 200);
});

test.run();

interface Received {
  status: number;
  headers: Headers;
  body: string;
}

function urlOf(listening: Listening): string {
  return `http://127.0.0.1:${listening.port}`;
}

function dial(listening: Listening): Socket {
  const socket = connect(listening.port, "127.0.0.1");
  socket.on("error", () => {});
  sockets.push(socket);
  return socket;
}

/** All that was received so far, a character a byte. */
function collect(socket: Socket): () => string {
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  return () => text;
}

/** Sends a text as UTF-8, waits until the server ends the connection, and gives its answers. */
async function talk(listening: Listening, text: string): Promise<Received[]> {
  const socket = dial(listening);
  const bytes = collect(socket);
  socket.write(text);
  await until(() => socket.destroyed || socket.readableEnded, "the server to end the connection");
  return parse(bytes());
}

/** The whole answers in a text; a body's length is its Content-Length or what is left. */
function parse(text: string): Received[] {
  const answers: Received[] = [];
  let rest = text;
  for (let split = rest.indexOf("\r\n\r\n"); split !== -1; split = rest.indexOf("\r\n\r\n")) {
    const [first = "", ...lines] = rest.slice(0, split).split("\r\n");
    const headers = new Headers(
      lines.map((line): [string, string] => [line.split(": ", 1)[0] ?? "", line.replace(/^.*?: /, "")]),
    );
    rest = rest.slice(split + 4);
    const length = Number(headers.get("content-length") ?? rest.length);
    if (rest.length < length) break;
    const status = Number(first.split(" ")[1]);
    const body = Buffer.from(rest.slice(0, length), "latin1").toString("utf8");
    if (status >= 200) answers.push({ status, headers, body });
    rest = rest.slice(length);
  }
  return answers;
}

/** A promise and what resolves it; Node 20 has no `Promise.withResolvers`. */
function gateway(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((open) => {
    resolve = open;
  });
  return { promise, resolve };
}
