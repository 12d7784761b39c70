import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ANSWER_BYTES_MAX } from "../../../lib/flows/http/exchange.ts";
import { RESULT_BYTES_MAX } from "../../../lib/run.ts";
import { isFatalError } from "../../../lib/workflow-errors.ts";
import { type Around, type Called, callHttp } from "../../support/call-http.ts";
import { rejects } from "../../support/rejects.ts";
import { until } from "../../support/until.ts";

/** A server that writes what a test gives it, byte by byte. */
interface Raw {
  port: number;
  open: Set<Socket>;
  close(): Promise<void>;
}

async function openRaw(
  onRequest: (socket: Socket) => void,
  at: "request" | "connection" = "request",
): Promise<Raw> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => {});
    if (at === "connection") onRequest(socket);
    let isAsked = false;
    socket.on("data", () => {
      if (at === "request" && !isAsked) onRequest(socket);
      isAsked = true;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      for (const socket of open) socket.destroy();
      server.close(() => resolve());
    });
  return { port: (server.address() as AddressInfo).port, open, close };
}

/** Writes for ever, as fast as it is read, until the connection is gone; counts what was taken. */
function pour(socket: Socket, piece: string | Buffer, sent: { bytes: number }): void {
  const more = (): void => {
    while (!socket.destroyed) {
      sent.bytes += piece.length;
      if (!socket.write(piece)) {
        socket.once("drain", more);
        return;
      }
    }
  };
  more();
}

const HEAD = "HTTP/1.1 200 OK\r\n";
/** What sockets on both sides may hold beside what was read. */
const BUFFERS_BYTES = 12 * 1_048_576;

/** What may be waiting for the collector: an object for each chunk. */
const MEMORY_BYTES = 256 * 1_048_576;

const test = suite("flows/nodes/http-bounds");

const call = (port: number, form: object = {}, around: Around = {}): Promise<Called> =>
  callHttp(
    { url: `http://127.0.0.1:${port}/{x}`, allow_private: true, ...form },
    { state: { x: "hidden" }, ...around },
  );

test("an answer that never ends is cut where it passes the bound, in any framing", async () => {
  const framings: [name: string, head: string, piece: string][] = [
    ["until the end", "\r\n", "a".repeat(65_536)],
    ["a gigabyte declared", "content-length: 1073741824\r\n\r\n", "a".repeat(65_536)],
    ["chunked", "transfer-encoding: chunked\r\n\r\n", `10000\r\n${"a".repeat(65_536)}\r\n`],
    ["chunks of one byte", "transfer-encoding: chunked\r\n\r\n", "1\r\na\r\n".repeat(10_000)],
  ];
  for (const [name, head, piece] of framings) {
    const sent = { bytes: 0 };
    const raw = await openRaw((socket) => {
      socket.write(HEAD + head);
      pour(socket, piece, sent);
    });
    const before = process.memoryUsage().rss;
    await rejects(call(raw.port), (error) => {
      assert.match(error.message, /in http node "call": its body has over 983040 bytes$/);
      assert.ok(isFatalError(error), "it would be as long the next time");
    });
    await until(() => raw.open.size === 0, "the connection to end");
    const factor = name === "chunks of one byte" ? 6 : 1;
    assert.ok(
      sent.bytes < ANSWER_BYTES_MAX * factor + BUFFERS_BYTES,
      `${name}: ${sent.bytes} bytes were taken`,
    );
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < MEMORY_BYTES, `${name}: ${grown} bytes more memory`);
    await raw.close();
  }
});

test("an answer of just the bound is read, and fits into a step's result", async () => {
  const raw = await openRaw((socket) =>
    socket.end(
      `${HEAD}content-length: ${ANSWER_BYTES_MAX}\r\nx: ${"h".repeat(15_000)}\r\n\r\n${"a".repeat(ANSWER_BYTES_MAX)}`,
    ),
  );
  const called = await call(raw.port);
  assert.is((called.body as string).length, ANSWER_BYTES_MAX);
  assert.ok(JSON.stringify(called).length <= RESULT_BYTES_MAX);
  await raw.close();
});

test("a head that never ends is cut", async () => {
  const pieces: [start: string, piece: string][] = [
    [HEAD, `x: ${"a".repeat(1_000)}\r\n`],
    [`${HEAD}x: `, "a".repeat(1_000)],
    ["HTTP/1.1 200 ", "a".repeat(1_000)],
  ];
  for (const [start, piece] of pieces) {
    const sent = { bytes: 0 };
    const raw = await openRaw((socket) => {
      socket.write(start);
      pour(socket, piece, sent);
    });
    await rejects(call(raw.port, { timeout: 20 }), (error) => {
      assert.match(error.message, /its head has over 16384 bytes$/);
      assert.ok(isFatalError(error));
    });
    await until(() => raw.open.size === 0, "the connection to end");
    assert.ok(sent.bytes < BUFFERS_BYTES, `${sent.bytes} bytes were taken`);
    await raw.close();
  }
});

test("an answer that is not wanted is not read", async () => {
  const sent = { bytes: 0 };
  const raw = await openRaw((socket) => {
    socket.write("HTTP/1.1 500 Oops\r\n\r\n");
    pour(socket, "a".repeat(65_536), sent);
  });
  await rejects(call(raw.port), /answered 500/);
  await until(() => raw.open.size === 0, "the connection to end");
  assert.ok(sent.bytes < BUFFERS_BYTES, `${sent.bytes} bytes were taken`);
  await raw.close();
});

test("a packed answer is unpacked, though none was asked for, and what comes out is bounded", async () => {
  const packers: [coding: string, pack: (bytes: Buffer) => Buffer][] = [
    ["gzip", gzipSync],
    ["X-GZIP", gzipSync],
    ["deflate", deflateSync],
    ["deflate", deflateRawSync],
    ["br", brotliCompressSync],
    ["identity", (bytes) => bytes],
  ];
  for (const [coding, pack] of packers) {
    const answer = (bytes: Buffer): Promise<Raw> =>
      openRaw((socket) => {
        socket.write(`${HEAD}content-encoding: ${coding}\r\ncontent-type: application/json\r\n\r\n`);
        socket.end(bytes);
      });
    const raw = await answer(pack(Buffer.from('{"a":"é"}')));
    assert.equal((await call(raw.port)).body, { a: "é" }, coding);
    await raw.close();
    if (coding === "identity") continue;
    const bomb = await answer(pack(Buffer.alloc(8 * 1_048_576)));
    await rejects(call(bomb.port), /its body has over 983040 bytes when unpacked$/);
    await bomb.close();
    // Deno takes a brotli stream that is cut for a whole one, so of that something else is sent.
    const bytes = coding === "br" ? Buffer.alloc(8, 0xff) : pack(Buffer.from('{"a":"é"}')).subarray(0, 8);
    const other = await answer(bytes);
    await rejects(call(other.port), new RegExp(`its body is not in the ${coding.toLowerCase()} that its`));
    await other.close();
  }
  const unknown = await openRaw((socket) => socket.end(`${HEAD}content-encoding: gzip, zstd\r\n\r\nabc`));
  await rejects(call(unknown.port), /its content-encoding is none of gzip, deflate, br and identity$/);
  await unknown.close();
});

test("what breaks off or is no HTTP fails the attempt", async () => {
  const answers: [string, RegExp][] = [
    [`${HEAD}content-length: 10\r\n\r\nabc`, /its body ended before it was whole$/],
    [`${HEAD}transfer-encoding: chunked\r\n\r\n5\r\nab`, /its body ended before it was whole$/],
    ["220 smtp.example ESMTP\r\n", /failed with HPE_INVALID_CONSTANT$/],
    ["", /failed with ECONNRESET$/],
    ["HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", /without an answer$/],
  ];
  for (const [bytes, message] of answers) {
    const raw = await openRaw((socket) => socket.end(bytes));
    await rejects(call(raw.port), (error) => {
      assert.match(error.message, message);
      assert.not.ok(isFatalError(error));
    });
    await raw.close();
  }
});

test("early answers such as 103 are passed over", async () => {
  const raw = await openRaw((socket) =>
    socket.end(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${HEAD}content-length: 2\r\n\r\nhi`),
  );
  assert.is((await call(raw.port)).body, "hi");
  await raw.close();
});

const drip = (socket: Socket, start: string): void => {
  socket.write(start);
  const timer = setInterval(() => socket.write("a"), 5);
  socket.on("close", () => clearInterval(timer));
};
const stalls: [name: string, onRequest: (socket: Socket) => void, scheme?: string][] = [
  ["no answer", () => {}],
  ["a head that drips", (socket) => drip(socket, `${HEAD}x-a: `)],
  ["a body that drips", (socket) => drip(socket, `${HEAD}content-length: 1000000\r\n\r\n`)],
  ["a body that stops", (socket) => socket.write(`${HEAD}content-length: 10\r\n\r\nabc`)],
  [
    "redirects that lead on slowly",
    (socket) =>
      void setTimeout(
        () => socket.end("HTTP/1.1 302 Found\r\nlocation: /a\r\ncontent-length: 0\r\n\r\n"),
        60,
      ),
  ],
  ["a TLS handshake that is not answered", () => {}, "https"],
];
for (const [name, onRequest, scheme = "http"] of stalls) {
  test(`the time is for all of it: ${name}`, async () => {
    const raw = await openRaw(onRequest, scheme === "https" ? "connection" : "request");
    const url = `${scheme}://127.0.0.1:${raw.port}/`;
    await rejects(call(raw.port, { url, timeout: 0.15, redirects: 10 }), (error) => {
      assert.match(error.message, /in http node "call": took over 0\.15 s$/);
      assert.not.ok(isFatalError(error));
    });
    await until(() => raw.open.size === 0, "the connection to end");
    await raw.close();
  });
}

test("the time is for DNS, too", async () => {
  const names = new Proxy({}, { get: () => new Promise(() => {}) });
  const form = { url: "https://api.example/", timeout: 0.05 };
  await rejects(callHttp(form, { names: names as Record<string, string[]> }), /took over 0\.05 s$/);
});

test("the run's signal ends it with its own reason", async () => {
  const raw = await openRaw((socket) => drip(socket, `${HEAD}content-length: 1000000\r\n\r\n`));
  const stop = new AbortController();
  const called = call(raw.port, {}, { signal: stop.signal });
  await until(() => raw.open.size === 1, "the connection");
  const reason = Object.assign(new Error("the run is over"), { code: "stopped" });
  stop.abort(reason);
  await rejects(called, (error) => error === reason);
  await until(() => raw.open.size === 0, "the connection to end");
  await rejects(call(raw.port, {}, { signal: stop.signal }), (error) => error === reason);
  await raw.close();
});

test("a request that is too large ends the run unsent", async () => {
  let isAsked = false;
  const raw = await openRaw(() => {
    isAsked = true;
  }, "connection");
  const forms: [form: object, message: RegExp][] = [
    [{ body: "{big}" }, /^Cannot fill http\.body: it has 5000000 bytes, and at most 4194304 are sent$/],
    [{ body: "x{half}" }, /^Cannot fill http\.body: it has half a character \(a lone surrogate\)$/],
    [{ json: ["{big}"] }, /^Cannot fill http\.json: it has 5000004 bytes, and at most 4194304 are sent$/],
    [
      { headers: { "x-a": "{big}" } },
      /^Cannot fill http\.headers: they have \d+ bytes, and at most 12288 are sent$/,
    ],
    [{ url: `http://127.0.0.1:${raw.port}/{big}` }, /^Cannot fill http\.url: it has over 8192 characters/],
  ];
  for (const [form, message] of forms) {
    await rejects(
      call(raw.port, form, { state: { x: 1, half: "\ud800", big: "a".repeat(5_000_000) } }),
      (error) => {
        assert.match(error.message, message);
        assert.ok(isFatalError(error));
      },
    );
  }
  assert.is(isAsked, false);
  await raw.close();
});

test.run();
