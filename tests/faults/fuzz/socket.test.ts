import { connect } from "node:net";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Answer, openServer, type TestServer } from "../../support/open-server.ts";
import { checkAnswer } from "./answers.ts";
import { asked, type Draft, delivered, isSigned, lastEvents, OPTIONS } from "./deliveries.ts";
import { holds } from "./holds.ts";

const test = suite("faults/fuzz/socket");

/** A sender that hangs longer than this is none that we wait for. */
const CONNECTION_MS = 5_000;

/** A request as it goes over the wire. */
function wireOf({ method, path, headers, body }: Draft, isChunked: boolean): Buffer {
  const size = body.length.toString(16);
  const framing = isChunked ? "Transfer-Encoding: chunked" : `Content-Length: ${body.length}`;
  const lines = [
    `${method} ${path} HTTP/1.1`,
    "Host: localhost",
    framing,
    ...headers.map((pair) => pair.join(": ")),
  ];
  const head = `${lines.join("\r\n")}\r\n\r\n`;
  const end = body.length === 0 ? "0\r\n\r\n" : "\r\n0\r\n\r\n";
  const parts = isChunked && body.length > 0 ? [`${size}\r\n`, body, end] : [isChunked ? end : body];
  return Buffer.concat([head, ...parts].map((part) => Buffer.from(part as string)));
}

/** Bytes that are changed, taken out or put in, at places counted from the front. */
const changes = fc.array(
  fc.record({
    at: fc.nat({ max: 400 }),
    taken: fc.nat({ max: 4 }),
    put: fc.oneof(
      fc.uint8Array({ maxLength: 4 }),
      fc.constantFrom(
        "\r\n",
        "\r\n\r\n",
        "\n",
        "\0",
        ": ",
        "GET / HTTP/1.1\r\n",
        "Content-Length: 3\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Expect: 100-continue\r\n",
        "%",
        "\x80",
      ),
    ),
  }),
  { maxLength: 3 },
);

const bytes = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((some) => Buffer.from(some)) },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.oneof(delivered, asked), fc.boolean(), changes).map(
      ([draft, isChunked, all]): Buffer =>
        all.reduce(
          (now, { at, taken, put }) => {
            const start = at % (now.length + 1);
            return Buffer.concat([
              now.subarray(0, start),
              Buffer.from(put as string),
              now.subarray(start + taken),
            ]);
          },
          wireOf(draft, isChunked),
        ),
    ),
  },
);

/** Sends the bytes in two pieces and then no more; all that came back until the connection was closed. */
function exchange(port: number, sent: Buffer, cut: number): Promise<Buffer> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => {
      const at = cut % (sent.length + 1);
      socket.write(sent.subarray(0, at));
      setImmediate(() => socket.end(sent.subarray(at)));
    });
    socket.setTimeout(CONNECTION_MS, () => socket.destroy(new Error("hangs")));
    socket.on("data", (chunk: Buffer) => received.push(chunk));
    socket.on("error", (error) => {
      if (error.message === "hangs") received.push(Buffer.from("the connection hangs"));
    });
    socket.on("close", () => resolve(Buffer.concat(received)));
  });
}

/** The answers that some bytes are, one after the other; fails where they are anything else. */
function answersIn(received: string): Answer[] {
  const answers: Answer[] = [];
  let rest = received;
  while (rest !== "") {
    const head = /^HTTP\/1\.1 (\d{3}) [ -~]*\r\n((?:[!#-'*+.^_`|~0-9A-Za-z-]+: [\t -~]*\r\n)*)\r\n/.exec(
      rest,
    );
    if (head === null) throw new Error(`This is no HTTP/1.1 answer: ${JSON.stringify(rest)}`);
    rest = rest.slice(head[0].length);
    const pairs = (head[2] ?? "")
      .split("\r\n")
      .slice(0, -1)
      .map((line) => line.split(/: (.*)/s).slice(0, 2));
    const headers = new Headers(pairs as [string, string][]);
    const status = Number(head[1]);
    if (status === 100) continue;
    // An answer to HEAD has a length and no body, so the next one or the end follows at once.
    const length =
      rest === "" || rest.startsWith("HTTP/1.1 ") ? 0 : Number(headers.get("content-length") ?? "0");
    assert.ok(rest.length >= length, "an answer broke off");
    const text = rest.slice(0, length);
    rest = rest.slice(length);
    answers.push({ status, headers, text, json: text === "" ? {} : JSON.parse(text) });
  }
  return answers;
}

async function tryOne(server: TestServer, sent: Buffer, cut: number): Promise<string[]> {
  const before = await lastEvents(server.storage, 10);
  const answers = answersIn((await exchange(server.port, sent, cut)).toString("latin1"));
  const ends = answers.map((answer) => checkAnswer(answer, answer.text === "") ?? "success");
  const stored = (await lastEvents(server.storage, 20)).filter((id) => !before.includes(id));
  for (const id of stored) {
    const event = await server.storage.getEvent(id);
    // Whatever else was made of the bytes: among them stands the signature of what was stored.
    const words = sent.toString("latin1").split(/[\s:]+/);
    const names = ["x-signature", "x-acme-mac", "x-hub-mac", "x-plain-mac"];
    const isHeld = words.some((word) =>
      isSigned(
        event?.provider ?? "",
        new Headers(names.map((name) => [name, asValue(word)])),
        event?.body ?? new Uint8Array(0),
      ),
    );
    assert.ok(isHeld, `what nobody signed was stored: ${JSON.stringify(event)}`);
  }
  return stored.length > 0 ? ["stored", ...ends] : ends;
}

function asValue(word: string): string {
  return word.replace(/[^!-~]/g, "");
}

test("whatever bytes come, the server answers in HTTP/1.1 or closes, stores what was signed, and lives on", async () => {
  const ends = new Map<string, number>();
  await holds(
    fc.asyncProperty(fc.array(fc.tuple(bytes, fc.nat()), { minLength: 1, maxLength: 8 }), async (all) => {
      const server = await openServer(OPTIONS);
      try {
        for (const [sent, cut] of all) {
          for (const end of await tryOne(server, sent, cut)) ends.set(end, (ends.get(end) ?? 0) + 1);
        }
        assert.is((await server.ask("http", { path: "/ready" })).status, 200);
        assert.equal(
          server.lines.filter(({ level }) => level === "error"),
          [],
        );
      } finally {
        await server.close();
      }
    }),
    200,
  );
  const usual = ["stored", "success", "request_malformed", "signature_invalid", "not_found"];
  const missing = usual.filter((end) => !ends.has(end));
  if (process.env.FC_PATH === undefined) assert.equal(missing, [], JSON.stringify([...ends]));
});

test.run();
