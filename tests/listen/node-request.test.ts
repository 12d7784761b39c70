import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { connect, type Socket } from "node:net";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { toRequest } from "../../lib/incoming.ts";
import { NodeRequest } from "../../lib/listen/node-request.ts";
import { rejects } from "../support/rejects.ts";
import { until } from "../support/until.ts";

/** Sends bytes as they stand. @returns the request that came of them, and its socket */
type Receive = (bytes: string) => Promise<{ request: NodeRequest; socket: Socket; reads: () => number }>;

const test = suite<{ receive: Receive; server: Server; sockets: Socket[] }>("listen/node-request");
test.before.each(async (t) => {
  const received: IncomingMessage[] = [];
  t.server = createServer({ requireHostHeader: false }, (req) => received.push(req));
  t.sockets = [];
  await new Promise<void>((resolve) => t.server.listen(0, "127.0.0.1", resolve));
  t.receive = async (bytes) => {
    const socket = connect((t.server.address() as AddressInfo).port, "127.0.0.1");
    socket.on("error", () => {});
    t.sockets.push(socket);
    const count = received.length;
    socket.write(bytes);
    await until(() => received.length > count, "the request");
    let reads = 0;
    const req = received.at(-1) as IncomingMessage;
    req.on("error", () => {});
    const request = new NodeRequest(req, () => {
      reads++;
    });
    request.target = req.url ?? "/";
    return { request, socket, reads: () => reads };
  };
});
test.after.each((t) => {
  for (const socket of t.sockets) socket.destroy();
  t.server.closeAllConnections();
  t.server.close();
});

const alike: readonly [name: string, bytes: string][] = [
  ["a GET", "GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["no headers", "GET / HTTP/1.0\r\n\r\n"],
  ["a HEAD", "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["a body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"],
  ["an empty body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"],
  ["no body", "POST / HTTP/1.1\r\nHost: a\r\n\r\n"],
  [
    "a chunked body",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
  ],
  [
    "headers of one name, which Node would take the first of",
    "GET / HTTP/1.1\r\nHost: a\r\nX-Signature: 1\r\nx-signature: 2\r\nUser-Agent: 1\r\nUSER-AGENT: 2\r\nReferer: 1\r\nreferer: 2\r\n\r\n",
  ],
  ["an empty header, and one with spaces", "GET / HTTP/1.1\r\nHost: a\r\nX-A:\r\nX-B:   b  c  \r\n\r\n"],
  ["bytes above ASCII", "GET / HTTP/1.1\r\nHost: a\r\nX-A: gr\u00fc\u00dfe\r\n\r\n"],
  ["a header called __proto__", "GET / HTTP/1.1\r\nHost: a\r\n__proto__: 1\r\nconstructor: 2\r\n\r\n"],
];
for (const [name, bytes] of alike) {
  test(`${name} reads the same as of the web's own Request`, async ({ receive }) => {
    const seen = (await receive(bytes)).request;
    const web = toRequest((await receive(bytes)).request);
    assert.equal([seen.method, seen.url], [web.method, web.url]);
    assert.equal([...seen.headers.keys()].sort(), [...web.headers.keys()].sort());
    for (const key of [...web.headers.keys(), "x-missing", "__proto__"]) {
      assert.is(seen.headers.get(key.toUpperCase()), web.headers.get(key), key);
      assert.is(seen.headers.has(key), web.headers.has(key), key);
    }
    assert.is(await textOf(seen), await web.text());
    assert.is(seen.bodyUsed, true);
  });
}

test("nothing is read and nobody is asked for bytes before the handler reads", async ({ receive }) => {
  const { request, socket, reads } = await receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
  assert.is(reads(), 0);
  assert.is(request.bodyUsed, false);
  const text = textOf(request);
  assert.is(reads(), 1);
  socket.write("hello");
  assert.is(await text, "hello");
});

test("what is thrown at a chunk ends the reading, and the rest can be dropped", async ({ receive }) => {
  const { request, socket } = await receive(
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\nfirst",
  );
  let chunks = 0;
  const reading = request.readChunks(() => {
    chunks++;
    throw new RangeError("too large");
  });
  await rejects(reading, (error) => error instanceof RangeError);
  socket.write("x".repeat(199_995));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(chunks, 1);
  request.discard();
});

test("a body that breaks off rejects, also where it is read too late", async ({ receive }) => {
  const { request, socket } = await receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
  const reading = textOf(request);
  socket.destroy();
  await rejects(reading, /hung up/);
  await rejects(textOf(request), /hung up/);
});

test("an abort reaches a signal that was asked for before, and one that is asked for after", async ({
  receive,
}) => {
  const before = (await receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n")).request;
  const { signal } = before;
  assert.is(signal.aborted, false);
  before.abort();
  assert.equal([signal.aborted, before.isAborted], [true, true]);
  const after = (await receive("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")).request;
  after.abort();
  assert.is(after.signal.aborted, true);
  await rejects(textOf(after), /hung up/);
  await rejects(toRequest(after).text(), /./);
});

test.run();

async function textOf(request: NodeRequest): Promise<string> {
  const chunks: Uint8Array[] = [];
  await request.readChunks((chunk) => chunks.push(chunk));
  return Buffer.concat(chunks).toString("utf8");
}
