import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseFlow } from "../../../lib/flows/parse.ts";
import { flowHost } from "../../support/flow-host.ts";
import { rejects } from "../../support/rejects.ts";
import { attempt, type Remembered } from "../../support/walk.ts";

const FILE = new URL("../../../workflows/examples/announce_release.yaml", import.meta.url);

interface Seen {
  path: string;
  method: string;
  via: string | undefined;
  body: string;
}

const test = suite<{
  seen: Seen[];
  answers: [status: number, body: unknown][];
  server: Server;
  text: string;
}>("flows/examples/announce-release");
test.before.each(async (t) => {
  t.seen = [];
  t.answers = [];
  t.server = createServer(async (request, response) => {
    t.seen.push({ ...(await read(request)) });
    const [status, body] = t.answers.shift() ?? [500, null];
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => t.server.listen(0, "127.0.0.1", resolve));
  const { port } = t.server.address() as AddressInfo;
  // GitHub and Slack are this server here, and nothing else of the file is changed.
  const file = await readFile(FILE, "utf8");
  t.text = file
    .replace("https://api.github.com/", `http://127.0.0.1:${port}/`)
    .replace("[hooks.slack.com]", `["127.0.0.1:${port}"]`)
    .replaceAll("      timeout: 10", "      timeout: 10\n      allow_private: true");
});
test.after.each((t) => void t.server.close());

async function read(request: IncomingMessage): Promise<Seen> {
  let body = "";
  for await (const chunk of request) body += chunk;
  return { path: request.url ?? "", method: request.method ?? "", via: request.headers.via, body };
}

const env = (server: Server): { SLACK_WEBHOOK_URL: string } => ({
  SLACK_WEBHOOK_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T0/B0/s3cret`,
});
const inputs = { owner: "deno land", repo: "deno" };
const release = { tag_name: "v9", html_url: "https://github.com/x", draft: false };

test("the file loads as it stands, and says what it misses", async () => {
  const text = await readFile(FILE, "utf8");
  await parseFlow(
    text,
    "x.yaml",
    flowHost({ env: { SLACK_WEBHOOK_URL: "https://hooks.slack.com/services/x" } }),
  );
  await rejects(
    parseFlow(text, "x.yaml", flowHost()),
    /^x\.yaml:12:7: Cannot use SLACK_WEBHOOK_URL: it is not set/,
  );
});

test("a release is looked up and posted, and neither URL nor secret is in what is remembered", async (t) => {
  const { workflow } = await parseFlow(t.text, "x.yaml", flowHost({ env: env(t.server) }));
  t.answers.push([200, release], [200, "ok"]);
  const remembered: Remembered = new Map();
  assert.equal(await attempt(workflow, inputs, remembered), { ...inputs, code: 200, release, posted: true });
  assert.equal(t.seen, [
    { path: "/repos/deno%20land/deno/releases/latest", method: "GET", via: "1.1 latchhook", body: "" },
    {
      path: "/services/T0/B0/s3cret",
      method: "POST",
      via: "1.1 latchhook",
      body: '{"text":"deno land/deno v9: https://github.com/x"}',
    },
  ]);
  assert.not.match(JSON.stringify([...remembered]), "s3cret");
});

test("a repository without a release posts nothing", async (t) => {
  const { workflow } = await parseFlow(t.text, "x.yaml", flowHost({ env: env(t.server) }));
  t.answers.push([404, { message: "Not Found" }]);
  const state = (await attempt(workflow, inputs)) as { posted: boolean };
  assert.is(state.posted, false);
  assert.is(t.seen.length, 1);
});

test("a post that fails does not look up again, and its error does not show the URL", async (t) => {
  const { workflow } = await parseFlow(t.text, "x.yaml", flowHost({ env: env(t.server) }));
  t.answers.push([200, release], [503, null], [200, "ok"]);
  const remembered: Remembered = new Map();
  await rejects(attempt(workflow, inputs, remembered), (error) => {
    assert.match(error.message, /503/);
    assert.not.match(error.message, "s3cret");
  });
  await attempt(workflow, inputs, remembered);
  assert.equal(
    t.seen.map(({ method }) => method),
    ["GET", "POST", "POST"],
  );
});

test.run();
