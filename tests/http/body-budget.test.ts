import { suite } from "uvu";
import * as assert from "uvu/assert";
import { WebhookError } from "../../lib/errors.ts";
import { readBody } from "../../lib/http/body.ts";
import { BodyBudget, type BodyShare } from "../../lib/http/body-budget.ts";
import { rejects } from "../support/rejects.ts";

const test = suite("http/body-budget");

/** A request whose body comes as it is sent. */
class Sender {
  readonly request: Request;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  constructor(headers: Record<string, string> = {}) {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
    });
    const init = { method: "POST", body, headers, duplex: "half" } as RequestInit;
    this.request = new Request("http://localhost/", init);
  }

  /** Sends so many bytes, and lets them be read. */
  async send(count: number): Promise<void> {
    this.#controller?.enqueue(new Uint8Array(count));
    await turn();
  }

  end(): void {
    this.#controller?.close();
  }

  fail(): void {
    this.#controller?.error(new Error("connection reset"));
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function isOverloaded(error: Error): boolean {
  return error instanceof WebhookError && error.code === "overloaded";
}

/** Reads as a route does; how many bytes came. */
function read(budget: BodyBudget, sender: Sender, share: BodyShare = budget.share()): Promise<number> {
  const reading = readBody(sender.request, 1_000, share)
    .then((body) => body.byteLength)
    .finally(() => share.release());
  reading.catch(() => {}); // looked at later
  return reading;
}

test("where there is no room, the body goes that has been read the longest, and the newcomer is read", async () => {
  const budget = new BodyBudget({ bytesMax: 100 });
  const [slow, slower, quick] = [new Sender(), new Sender(), new Sender()];
  const first = read(budget, slow);
  const second = read(budget, slower);
  await slower.send(50);
  await slow.send(40);
  const third = read(budget, quick);
  await quick.send(30);
  await rejects(first, isOverloaded);
  quick.end();
  assert.is(await third, 30);
  slower.end();
  assert.is(await second, 50);
});

test("as many go as it takes", async () => {
  const budget = new BodyBudget({ bytesMax: 100 });
  const senders = [new Sender(), new Sender(), new Sender(), new Sender()];
  const reading = senders.map((sender) => read(budget, sender));
  for (const sender of senders) await sender.send(25);
  const large = new Sender();
  const last = read(budget, large);
  await large.send(75);
  for (const gone of reading.slice(0, 3)) await rejects(gone, isOverloaded);
  senders[3]?.end();
  large.end();
  assert.is(await reading[3], 25);
  assert.is(await last, 75);
});

test("the oldest of all that asks for more than there is goes itself, and the others stay", async () => {
  const budget = new BodyBudget({ bytesMax: 100 });
  const [old, young] = [new Sender(), new Sender()];
  const first = read(budget, old);
  const second = read(budget, young);
  await young.send(60);
  await old.send(41);
  await rejects(first, isOverloaded);
  young.end();
  assert.is(await second, 60);
});

test("one body more than may be read at once sends the oldest away, though none has sent a byte", async () => {
  const budget = new BodyBudget({ readMax: 2 });
  const senders = [new Sender(), new Sender(), new Sender()];
  const reading = senders.map((sender) => read(budget, sender));
  await rejects(reading[0] as Promise<number>, isOverloaded);
  for (const sender of senders.slice(1)) sender.end();
  assert.equal(await Promise.all(reading.slice(1)), [0, 0]);
});

test("a body that has come whole does not go, and its bytes count until they are released", async () => {
  const budget = new BodyBudget({ bytesMax: 100, readMax: 1 });
  const whole = new Sender();
  const share = budget.share();
  const reading = readBody(whole.request, 1_000, share);
  await whole.send(60);
  whole.end();
  assert.is((await reading).byteLength, 60);
  const late = new Sender();
  const second = read(budget, late);
  await late.send(41);
  await rejects(second, isOverloaded);
  share.release();
  const again = new Sender();
  const third = read(budget, again);
  await again.send(100);
  again.end();
  assert.is(await third, 100);
});

test("after release a budget is whole again, however the requests ended, and a second release gives nothing", async () => {
  const budget = new BodyBudget({ bytesMax: 100, readMax: 1 });
  const ends: ((sender: Sender) => void)[] = [(sender) => sender.end(), (sender) => sender.fail()];
  for (const end of ends) {
    const sender = new Sender();
    const share = budget.share();
    const reading = read(budget, sender, share).catch(() => {});
    await sender.send(70);
    end(sender);
    await reading;
    share.release();
    share.release();
  }
  const over = new Sender();
  const reading = read(budget, over);
  await over.send(101);
  await rejects(reading, isOverloaded);
  const all = new Sender();
  const last = read(budget, all);
  await all.send(100);
  all.end();
  assert.is(await last, 100);
});

test("a sender that declares much and sends nothing takes nothing of the bytes", async () => {
  const budget = new BodyBudget({ bytesMax: 100 });
  const idle = read(budget, new Sender({ "content-length": "100" }));
  const sender = new Sender();
  const reading = read(budget, sender);
  await sender.send(100);
  sender.end();
  assert.is(await reading, 100);
  assert.is(await Promise.race([idle, turn()]), undefined, "and it is not sent away");
});

test.run();
