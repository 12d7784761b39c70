import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebhookError } from "../../lib/errors.ts";
import { readBody } from "../../lib/http/body.ts";
import { rejects } from "../support/rejects.ts";

const test = suite("http/body");

/** A request whose body arrives in these chunks; `fails` breaks it off after them. */
function request(
  chunks: readonly Uint8Array[],
  headers: Record<string, string> = {},
  fails = false,
): Request {
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = chunks[at++];
      if (chunk !== undefined) controller.enqueue(chunk);
      else if (fails) controller.error(new Error("connection reset"));
      else controller.close();
    },
  });
  return new Request("http://localhost/", { method: "POST", body, headers, duplex: "half" } as RequestInit);
}

function bytes(length: number, start = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (start + at) % 251);
}

function isCode(code: string): (error: Error) => boolean {
  return (error) => error instanceof WebhookError && error.code === code;
}

test("all bytes arrive in order, however they are cut", async () => {
  const whole = bytes(200_000);
  for (const size of [1, 7, 4_096, 65_536, 200_000]) {
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < whole.length; at += size) chunks.push(whole.slice(at, at + size));
    for (const headers of [{}, { "content-length": "200000" }, { "content-length": "3" }]) {
      const body = await readBody(request(chunks, headers), 200_000);
      assert.is(Buffer.compare(body, whole), 0, `chunks of ${size}`);
    }
  }
});

test("no body, an empty one and empty chunks are no bytes", async () => {
  assert.is((await readBody(new Request("http://localhost/"), 10)).byteLength, 0);
  assert.is(
    (await readBody(new Request("http://localhost/", { method: "POST", body: "" }), 10)).byteLength,
    0,
  );
  assert.is((await readBody(request([bytes(0), bytes(2), bytes(0)]), 10)).byteLength, 2);
});

test("a body of exactly the limit passes and one byte more does not", async () => {
  assert.is((await readBody(request([bytes(5), bytes(5)]), 10)).byteLength, 10);
  await rejects(readBody(request([bytes(5), bytes(6)]), 10), isCode("body_too_large"));
  await rejects(readBody(request([bytes(5), bytes(6)]), 10), /10 bytes/);
});

test("a Content-Length over the limit is refused before anything is read", async () => {
  const given = request([bytes(1)], { "content-length": "11" });
  await rejects(readBody(given, 10), isCode("body_too_large"));
  assert.is(given.bodyUsed, false);
});

test("a Content-Length that lies does not lift the limit", async () => {
  await rejects(readBody(request([bytes(20)], { "content-length": "1" }), 10), isCode("body_too_large"));
});

test("a sender of a body without end is cut off", async () => {
  let pulled = 0;
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => void controller.enqueue(bytes(1_000, pulled++)),
    cancel: () => {
      isCancelled = true;
    },
  });
  const endless = new Request("http://localhost/", { method: "POST", body, duplex: "half" } as RequestInit);
  await rejects(readBody(endless, 10_000), isCode("body_too_large"));
  assert.ok(isCancelled);
  assert.ok(pulled < 20, `${pulled} chunks were pulled`);
});

test("a connection that breaks is body_unreadable with its cause", async () => {
  await rejects(readBody(request([bytes(5)], {}, true), 10), (error) => {
    assert.ok(isCode("body_unreadable")(error));
    assert.match(String(error.cause), "connection reset");
  });
});

test("a body that someone has read or holds is the host's mistake, and the error says what to do", async () => {
  const read = new Request("http://localhost/", { method: "POST", body: "a" });
  await read.text();
  const held = new Request("http://localhost/", { method: "POST", body: "a" });
  held.body?.getReader();
  for (const used of [read, held]) {
    await rejects(readBody(used, 10), (error) => {
      assert.ok(error instanceof TypeError);
      assert.is(Reflect.get(error, "code"), "body_used");
      assert.match(error.message, /before anything reads it/);
    });
  }
});

test("a clone's refusal settles although the original is not read", async () => {
  const given = request([bytes(6), bytes(6), bytes(6)]);
  await rejects(readBody(given.clone(), 10), isCode("body_too_large"));
});

test("a host's stream may use its buffer again, and the body that was read stays", async () => {
  const buffer = new TextEncoder().encode("signed bytes");
  const stream = new ReadableStream({
    pull(controller) {
      controller.enqueue(buffer);
      controller.close();
    },
  });
  const headers = { "content-length": String(buffer.byteLength) };
  const init = { method: "POST", body: stream, headers, duplex: "half" } as RequestInit;
  const body = await readBody(new Request("http://localhost/", init), 1_000);
  buffer.fill(0);
  assert.is(new TextDecoder().decode(body), "signed bytes");
});

test.run();
