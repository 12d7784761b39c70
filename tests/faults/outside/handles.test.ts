import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { auditFaults, readAudit } from "../../support/audit.ts";
import { PROGRAM, type SpawnedServer, Stage, stopped } from "../../support/spawn-server.ts";
import { until } from "../../support/until.ts";
import { deliver, probes } from "./sender.ts";

/** Enough for a start, and for some twenty connections. */
const HANDLES = 64;
const CONNECTIONS = 200;

const test = suite<{ stage: Stage; server: SpawnedServer }>("faults/outside/handles");
test.before.each(async (t) => {
  t.stage = await Stage.make();
  // Both limits: Node raises the soft one to the hard one.
  const through = ["sh", "-c", `ulimit -n ${HANDLES}; exec "$@"`, "sh"];
  t.server = await t.stage.server({ file: PROGRAM, through });
});
test.after.each(({ stage }) => stage.close());

/** Takes all the handles that the server has left, by connections that say nothing. */
async function exhaust({ origin }: SpawnedServer): Promise<{ open: Socket[]; refused: () => number }> {
  const { port } = new URL(origin);
  let refused = 0;
  const sockets = Array.from({ length: CONNECTIONS }, () => connect(Number(port), "127.0.0.1"));
  for (const socket of sockets) {
    socket.on("error", () => {});
    socket.on("close", () => {
      refused++;
    });
  }
  await Promise.all(sockets.map((socket) => Promise.race([once(socket, "connect"), once(socket, "close")])));
  return { open: sockets, refused: () => refused };
}

test("without a handle left it turns connections away, serves those that it has, and goes on when they are gone", async ({
  stage,
  server,
}) => {
  const gate = stage.gate();
  const { run_id: awake } = (await deliver(server, "gated", "awake", { gate })).json;
  await until(() => readAudit(stage.auditPath).some(({ step }) => step === "gate"), "the gate to be reached");
  const kept = connect(Number(new URL(server.origin).port), "127.0.0.1");
  await once(kept, "connect");

  const { open, refused } = await exhaust(server);
  await until(() => refused() > CONNECTIONS - HANDLES, "most connections to be turned away");
  const late = connect(Number(new URL(server.origin).port), "127.0.0.1");
  late.on("error", () => {});
  await once(late, "close"); // turned away, not left hanging
  // A connection that it had before is as good as ever, and what it is told is stored.
  const body = JSON.stringify({ workflow_name: "quick", inputs: {}, webhook_id: "kept" });
  kept.write(
    `POST /webhooks/generic HTTP/1.1\r\nHost: ${new URL(server.origin).host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  const [answer] = (await once(kept, "data")) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 202 /);
  assert.is(server.end, null);

  for (const socket of [...open, kept]) socket.destroy();
  await until(
    () =>
      new Promise<boolean>((resolve) => {
        const next = connect(Number(new URL(server.origin).port), "127.0.0.1");
        next.on("error", () => {});
        next.on("close", () => resolve(false));
        next.on("data", () => {
          resolve(true);
          next.destroy();
        });
        next.write("GET /health HTTP/1.0\r\n\r\n");
      }),
    "it to take connections again",
  );
  assert.equal(await probes(server), { health: 200, ready: 200 });
  assert.is((await deliver(server, "quick", "kept")).status, 200);
  await stage.openGate(gate);
  const run = await server.reaches(String(awake), "succeeded");
  assert.is(run.attempts.length, 1);
  await stopped(server);
  assert.equal(auditFaults(readAudit(stage.auditPath)), []);
});

test("it is under the limit for good: bodies enough for a copy of the log are stored all the same", async ({
  server,
}) => {
  const { open, refused } = await exhaust(server);
  await until(() => refused() > CONNECTIONS - HANDLES, "most connections to be turned away");
  // One goes, and its handle is the one that a sender gets; the thread that copies the log would need more.
  for (const socket of open.filter((each) => !each.destroyed).slice(0, 2)) socket.destroy();
  const text = "x".repeat(900_000);
  for (let at = 0; at < 12; at++) {
    let status = 0;
    await until(async () => {
      status = (await deliver(server, "quick", `big-${at}`, { text }).catch(() => null))?.status ?? 0;
      return status !== 0;
    }, "an answer");
    assert.ok(status === 202 || status === 200, `it was answered ${status}`);
  }
  assert.is(server.end, null);
  for (const socket of open) socket.destroy();
  await stopped(server);
});

test.run();
