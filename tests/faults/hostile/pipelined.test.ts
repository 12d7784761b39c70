import { suite } from "uvu";
import * as assert from "uvu/assert";
import { until } from "../../support/until.ts";
import { Target } from "./target.ts";
import { statusesOf } from "./wire.ts";

const MIB = 1_048_576;

const test = suite<{ target: Target }>("hostile/pipelined");
test.before.each(async (context) => {
  context.target = await Target.open();
});
test.after.each(({ target }) => target.close());

test("a hundred requests at once on one connection are answered in their order", async ({ target }) => {
  const { result, good } = await target.under(async () => {
    const line = target.dial();
    const asked = Array.from({ length: 100 }, (_, at) => {
      const body = JSON.stringify({ workflow_name: "quick", inputs: {}, webhook_id: `piped-${at}` });
      return at % 3 === 0 ? target.request("GET /health HTTP/1.1") : target.delivery(body);
    });
    line.write(asked.join(""));
    await until(() => line.replies().length === 100, "a hundred answers");
    return line.replies();
  });
  for (const [at, { status, body }] of result.entries()) {
    const json = JSON.parse(body);
    if (at % 3 === 0) assert.equal([status, json], [200, { status: "ok" }]);
    else assert.equal([status, json.webhook_id], [202, `piped-${at}`]);
  }
  good.assertServed();
});

const floods: readonly [what: string, ask: (target: Target) => string][] = [
  ["requests", (target) => target.request("GET /health HTTP/1.1")],
  ["requests for nothing", () => "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"],
  ["deliveries with a wrong signature", (target) => target.delivery("{}", { secret: "wrong" })],
  [
    "deliveries that wait for 100 Continue",
    (target) => target.delivery("{}", { headers: ["Expect: 100-continue"] }),
  ],
];
for (const [what, ask] of floods) {
  test(`200,000 ${what} at once on each of ten connections are cut off, and cost next to nothing`, async ({
    target,
  }) => {
    const many = Buffer.from(ask(target).repeat(1_000), "latin1");
    const { result, good, cost } = await target.under(async () => {
      const lines = await target.dialMany(10);
      for (const line of lines) for (let at = 0; at < 200; at++) line.write(many);
      await until(
        () => lines.every((line) => line.isOver || line.socket.destroyed),
        "the connections to be cut",
        60_000,
      );
      return statusesOf(lines);
    });
    const answers = Object.values(result).reduce((sum, count) => sum + count, 0);
    assert.ok(answers < 20_000, `${answers} were answered`);
    good.assertServed();
    assert.ok(cost.bytesGrown < 200 * MIB, `${cost.bytesGrown} bytes`);
    assert.ok(cost.cpuMs < 10_000, `${cost.cpuMs} ms of processor time`);
  });
}

test("senders that ask and ask and read no answer are cut or not read any further", async ({ target }) => {
  const many = Buffer.from(target.request("GET /health HTTP/1.1").repeat(64), "latin1");
  const { result, good, cost } = await target.under(async () => {
    const lines = await target.dialMany(20);
    for (const line of lines) line.socket.pause();
    let sent = 0;
    await until(
      () => {
        const open = lines.filter(({ socket }) => !socket.destroyed && socket.writableLength < 65_536);
        for (const line of open) line.write(many);
        sent += open.length * many.length;
        return open.length === 0;
      },
      "the server to be done with each of them",
      60_000,
    );
    return sent / lines.length;
  });
  // What the kernels of both sides hold of answers, and of requests behind them, is some megabytes a connection.
  assert.ok(result < 20 * MIB, `${result} bytes were taken of each`);
  good.assertServed();
  assert.ok(cost.bytesGrown < 200 * MIB, `${cost.bytesGrown} bytes`);
});

test.run();
