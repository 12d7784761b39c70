import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { until } from "../../support/until.ts";
import { Target } from "./target.ts";
import { type Line, statusesOf } from "./wire.ts";

const run = promisify(execFile);
const MIB = 1_048_576;
const SERVER = new URL("server.ts", import.meta.url);

const test = suite<{ open: (options?: Parameters<typeof Target.open>[0]) => Promise<Target> }>(
  "hostile/slow",
);
const opened: Target[] = [];
test.before.each((context) => {
  context.open = async (options) => {
    const target = await Target.open(options);
    opened.push(target);
    return target;
  };
});
test.after.each(async () => {
  for (const target of opened.splice(0)) await target.close();
});

test("who drips its headers or never says a word is told 408 after ten seconds", async ({ open }) => {
  const target = await open();
  const { result, good, cost } = await target.under(async () => {
    const [dripping, silent] = [await target.dialMany(1_000), await target.dialMany(1_000)];
    const startedAt = performance.now();
    for (const line of dripping) line.write("POST /webhooks/generic HTTP/1.1\r\n");
    await Promise.all([
      dripUntilOver(dripping, "X-A: b\r\n", 25_000),
      until(() => silent.every((line) => line.isOver), "the silent ones to be cut", 25_000),
    ]);
    return { lines: [...dripping, ...silent], ms: performance.now() - startedAt };
  });
  assert.equal(statusesOf(result.lines), { 408: 2_000 });
  // An honest sender over a slow line has the ten seconds; the rest is the check that comes once a second, and noise.
  assert.ok(result.ms > 9_000 && result.ms < 20_000, `${result.ms} ms`);
  good.assertServed();
  assert.ok(cost.bytesGrown < 150 * MIB, `${cost.bytesGrown} bytes`);
  assert.ok(cost.cpuMs < 10_000, `${cost.cpuMs} ms of processor time`);
});

const TEST_LIMITS = JSON.stringify({ headersMs: 3_000, requestMs: 3_000, checkMs: 100, lingerMs: 300 });
const bodies: readonly [name: string, length: string, drop: string][] = [
  ["of a known length", "Content-Length: 1000000", "a"],
  ["in chunks", "Transfer-Encoding: chunked", "1\r\na\r\n"],
];
for (const [name, length, drop] of bodies) {
  test(`500 bodies ${name} that come a byte at a time are each told 408 in time`, async ({ open }) => {
    const target = await open({ file: SERVER, env: { TEST_LIMITS } });
    const { result, good, cost } = await target.under(async () => {
      const lines = await target.dialMany(500);
      const startedAt = performance.now();
      const head = target.request("POST /webhooks/generic HTTP/1.1", [
        "Content-Type: application/json",
        length,
      ]);
      for (const line of lines) line.write(head);
      await dripUntilOver(lines, drop, 20_000);
      return { lines, ms: performance.now() - startedAt };
    });
    assert.equal(statusesOf(result.lines), { 408: 500 });
    assert.ok(result.ms < 15_000, `${result.ms} ms`);
    good.assertServed();
    assert.ok(cost.bytesGrown < 150 * MIB, `${cost.bytesGrown} bytes`);
  });
}

test("bodies without end are told 413, cut two seconds later, and held nowhere", async ({ open }) => {
  const target = await open();
  const chunk = Buffer.alloc(65_536, "a");
  const piece = Buffer.concat([Buffer.from("10000\r\n"), chunk, Buffer.from("\r\n")]);
  const { result, good, cost } = await target.under(async () => {
    const lines = await target.dialMany(20);
    const startedAt = performance.now();
    for (const line of lines) {
      line.write(
        target.request("POST /webhooks/generic HTTP/1.1", [
          "Content-Type: application/json",
          "Transfer-Encoding: chunked",
        ]),
      );
      const pump = (): void => {
        // A turn of the event loop between, so that the good sender in this process gets its turn as well.
        if (!line.isOver && !line.socket.destroyed && line.socket.write(piece)) setImmediate(pump);
      };
      line.socket.on("drain", pump);
      pump();
    }
    await until(() => lines.every((line) => line.isOver), "the endless bodies to be cut", 30_000);
    return { lines, ms: performance.now() - startedAt };
  });
  assert.equal(statusesOf(result.lines), { 413: 20 });
  assert.ok(result.ms < 15_000, `${result.ms} ms`);
  good.assertServed();
  assert.ok(cost.bytesGrown < 200 * MIB, `${cost.bytesGrown} bytes`);
});

test("strangers who fill the memory with bodies that they do not end keep nobody out, and lose their places", async ({
  open,
}) => {
  const target = await open();
  const { result, good, cost } = await target.under(async () => {
    const head = target.request("POST /webhooks/generic HTTP/1.1", [
      "Content-Type: application/json",
      `Content-Length: ${MIB}`,
    ]);
    // All 64 MiB but a few bytes, and some more that come a byte at a time to take what becomes free.
    const full = await target.dialMany(64);
    for (const line of full) line.write(Buffer.concat([Buffer.from(head), Buffer.alloc(MIB - 1, "a")]));
    const drips = await target.dialMany(80);
    for (const line of drips) line.write(head);
    const dripping = setInterval(() => {
      for (const line of drips) if (!line.isOver) line.write("a");
    }, 100).unref();
    await until(() => statusesOf(full)[503] !== undefined, "a stranger to be sent away", 30_000);
    await pause(5_000);
    clearInterval(dripping);
    return { full, drips };
  });
  good.assertServed();
  assert.equal(Object.keys(statusesOf([...result.full, ...result.drips])), ["503"]);
  assert.ok(cost.bytesGrown < 250 * MIB, `${cost.bytesGrown} bytes`);
});

test("ten thousand connections that idle after an answer keep nobody out", async ({ open }) => {
  const target = await open();
  const count = 10_000;
  const { result, good, cost } = await target.under(async () => {
    const lines: Line[] = [];
    // Each source address has some 28,000 ports, which other suites use as well.
    for (let at = 0; at < count; at += 250) {
      const some = await target.dialMany(250, `127.0.1.${1 + ((at / 250) % 8)}`);
      for (const line of some) line.write(target.request("GET /health HTTP/1.1"));
      await until(() => some.every((line) => line.replies().length === 1), "250 answers", 30_000);
      lines.push(...some);
    }
    await pause(1_000);
    return { lines, files: await filesOf(target) };
  });
  assert.is(result.lines.filter((line) => !line.isOver).length, count);
  assert.ok(result.files > count, `the server holds ${result.files} files`);
  good.assertServed();
  assert.ok(cost.bytesGrown < 400 * MIB, `${cost.bytesGrown} bytes`);
});

test("a server whose file handles are all taken goes on once they are given back", async ({ open }) => {
  const target = await open();
  const before = await filesOf(target);
  await run("prlimit", ["--pid", String(target.server.pid), "--nofile=300:300"]);
  const lines = Array.from({ length: 400 }, () => target.dial());
  for (const line of lines) line.write(target.request("GET /health HTTP/1.1"));
  await until(async () => (await filesOf(target)) >= 299, "the handles to be taken");
  // It cuts what it cannot hold, so that nobody waits for an answer that never comes.
  await until(() => lines.filter((line) => line.isOver).length > 100, "those that are too many to be cut");
  for (const line of lines) line.close();
  // But for a few that it may have opened for itself meanwhile.
  await until(async () => (await filesOf(target)) <= before + 20, "the handles to be given back");
  const { good } = await target.under(async () => {});
  good.assertServed();
});

test.run();

async function filesOf(target: Target): Promise<number> {
  return (await readdir(`/proc/${target.server.pid}/fd`)).length;
}

/** Goes on dripping on each until the server has ended it. */
async function dripUntilOver(lines: readonly Line[], drop: string, timeoutMs: number): Promise<void> {
  const timer = setInterval(() => {
    for (const line of lines) if (!line.isOver) line.write(drop);
  }, 500);
  try {
    await until(() => lines.every((line) => line.isOver), "the server to end every connection", timeoutMs);
  } finally {
    clearInterval(timer);
  }
}
