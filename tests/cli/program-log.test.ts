import { suite } from "uvu";
import * as assert from "uvu/assert";
import { escapeControls, programLog } from "../../lib/cli/program-log.ts";
import type { LogFormat, LogLevel } from "../../lib/log.ts";

const test = suite("cli/program-log");

const NOW = Date.UTC(2026, 10, 23, 12);
const TIME = "2026-11-23T12:00:00.000Z";
const FORMATS: readonly LogFormat[] = ["json", "text"];

test("a JSON line has time, level, message and the fields", () => {
  const { log, lines } = collect("json");
  log.info("Run ended", { run: "run_1", attempts: 2 });
  assert.equal(lines, [
    `{"time":"${TIME}","level":"info","message":"Run ended","run":"run_1","attempts":2}\n`,
  ]);
});

test("a text line has the same, with quotes where they are needed", () => {
  const { log, lines } = collect("text");
  log.warn("Run ended", {
    run: "run_1",
    why: "no slot",
    list: [1, "a b"],
    none: null,
    "a b": "",
    gone: undefined,
  });
  assert.equal(lines, [
    `${TIME} WARN  Run ended run=run_1 why="no slot" list=[1,"a b"] none=null "a b"="" gone=undefined\n`,
  ]);
});

test("lines below the level are not written", () => {
  for (const [level, count] of Object.entries({ debug: 4, info: 3, warn: 2, error: 1 })) {
    const { log, lines } = collect("json", level as LogLevel);
    for (const write of [log.debug, log.info, log.warn, log.error]) write("x");
    assert.is(lines.length, count);
  }
});

test("a field can't pass for the line's own time, level or message", () => {
  const { log, lines } = collect("json");
  log.info("real", { message: "forged", level: "error", time: 0 });
  assert.equal(JSON.parse(lines[0] ?? ""), {
    time: TIME,
    level: "info",
    message: "real",
    message_: "forged",
    level_: "error",
    time_: 0,
  });
});

const NASTY = "a\n\r\t\u0000\u001b[31m\u007f\u0085\u009b2J\u2028\u2029\u202e\u2066\u200b\ufeffé😀\ud800b";

for (const format of FORMATS) {
  test(`nothing from outside breaks a ${format} line or reaches the terminal`, () => {
    const { log, lines } = collect(format);
    log.error(NASTY, { [NASTY]: NASTY, nested: { [NASTY]: [NASTY] }, error: new Error(NASTY) });
    assert.is(lines.length, 1);
    assert.not.match((lines[0] ?? "").slice(0, -1), /[\p{Cc}\u200b\u2028-\u202e\u2066\ufeff]/u);
    assert.match(lines[0] ?? "", /\\u001b\[31m.*é😀/);
  });

  test(`a ${format} line has at most 8 KiB and still says what happened`, () => {
    const cases: object[] = [
      { a: "x".repeat(100_000), b: 1 },
      { a: "€".repeat(4_000), b: 1 },
      { a: "\u0000".repeat(4_000), b: 1 },
      Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`f${index}`, "x".repeat(500)])),
      { list: Array.from({ length: 10_000 }, () => "x".repeat(500)) },
      { ["k".repeat(50_000)]: 1 },
      ...Array.from({ length: 60 }, (_, index) => ({
        a: "x".repeat(4_000),
        b: "x".repeat(3_900 + index * 20),
      })),
      { a: Array.from({ length: 50 }, () => Array.from({ length: 50 }, () => Array(50).fill(NASTY))) },
    ];
    for (const fields of cases) {
      const { log, lines } = collect(format);
      log.error("Disk is full", fields);
      log.error("\u0001".repeat(100_000), fields);
      assert.is(lines.length, 2);
      for (const line of lines) assert.ok(new TextEncoder().encode(line).length <= 8_192);
      assert.match(lines[0] ?? "", /Disk is full/);
      if (format === "json") for (const line of lines) JSON.parse(line);
    }
  });

  test(`no value makes the ${format} log throw or lose a line`, () => {
    const cycle: Record<string, unknown> = { name: "cycle" };
    cycle.self = cycle;
    const looped = new Error("looped");
    looped.cause = looped;
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    const throwing = {
      get bad(): never {
        throw new Error("no");
      },
      good: 1,
    };
    const values: unknown[] = [
      cycle,
      looped,
      throwing,
      revoked.proxy,
      1n,
      Number.NaN,
      Symbol("s"),
      () => 1,
      new Date(Number.NaN),
      new Map([["a", 1n]]),
      { toJSON: () => assert.unreachable("toJSON was called") },
      Object.create(null),
      new Uint8Array(3),
      new AggregateError([new Error("one")], "many"),
    ];
    const { log, lines } = collect(format);
    for (const value of values) {
      log.info("x", { value, after: "still here" });
      log.info("x", value as object);
    }
    assert.is(lines.length, values.length * 2);
    for (const [index, line] of lines.entries()) if (index % 2 === 0) assert.match(line, /still here/);
  });
}

test("values are shown as what they are", () => {
  const { log, lines } = collect("json");
  const cycle: { a: number; self?: unknown } = { a: 1 };
  cycle.self = cycle;
  log.info("x", { cycle, big: 10n, nan: Number.NaN, date: new Date(NOW), bytes: new Uint8Array(3) });
  const { time, level, message, ...fields } = JSON.parse(lines[0] ?? "");
  assert.equal(fields, {
    cycle: { a: 1, self: "[cycle]" },
    big: "10",
    nan: "NaN",
    date: TIME,
    bytes: "[3 bytes]",
  });
});

test("an error shows name, message, code and cause, and its stack at level debug only", () => {
  const error = Object.assign(new TypeError("bad", { cause: new Error("deeper") }), { code: "E_BAD" });
  const shown = {
    name: "TypeError",
    message: "bad",
    code: "E_BAD",
    cause: { name: "Error", message: "deeper" },
  };
  const atInfo = collect("json");
  atInfo.log.error("x", { error });
  assert.equal(JSON.parse(atInfo.lines[0] ?? "").error, shown);
  const atDebug = collect("json", "debug");
  atDebug.log.error("x", { error });
  assert.match(JSON.parse(atDebug.lines[0] ?? "").error.stack, /TypeError: bad\n.*program-log\.test/s);
});

test("a line's work is bounded, whatever is in its fields", () => {
  const { log, lines } = collect("json");
  let wide: unknown = NASTY;
  for (let depth = 0; depth < 10; depth++) wide = Array.from({ length: 50 }, () => wide);
  const startedAt = performance.now();
  log.info("x", { wide, after: 1 });
  assert.ok(performance.now() - startedAt < 1_000);
  assert.is(lines.length, 1);
});

test("a sample is one of so many info lines of a message, the first among them; the rest is whole", () => {
  const lines: string[] = [];
  const log = programLog({ level: "info", format: "json", sample: 3, write: (line) => lines.push(line) });
  for (let at = 0; at < 7; at++) log.info("often", { at });
  log.info("once");
  for (let at = 0; at < 4; at++) log.warn("bad");
  const seen = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(
    seen.map(({ message, at, sample }) => [message, at, sample]),
    [
      ["often", 0, 3],
      ["often", 3, 3],
      ["often", 6, 3],
      ["once", undefined, 3],
      ...Array.from({ length: 4 }, () => ["bad", undefined, undefined]),
    ],
  );
});

test("a write that throws is no reason to stop", () => {
  const log = programLog({
    level: "info",
    format: "json",
    write: () => {
      throw new Error("EPIPE");
    },
  });
  log.info("x");
});

test("escaped text is the same but for what can do harm", () => {
  assert.is(escapeControls('a\\ "é😀'), 'a\\ "é😀');
  assert.is(escapeControls("\u001b\n"), "\\u001b\\u000a");
});

test.run();

function collect(format: LogFormat, level: LogLevel = "info") {
  const lines: string[] = [];
  const log = programLog({ level, format, now: () => NOW, write: (line) => lines.push(line) });
  return { log, lines };
}
