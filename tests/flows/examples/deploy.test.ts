import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { samplesOf } from "../../../lib/cli/samples.ts";
import { builtInScheme } from "../../../lib/schemes/mod.ts";
import { signWebhook } from "../../../lib/schemes/sign-webhook.ts";
import { openLatchhook, type TestLatchhook } from "../../support/open-latchhook.ts";
import { removeFolder, tempFolder } from "../../support/temp-folder.ts";

const FILE = new URL("../../../workflows/examples/deploy.yaml", import.meta.url);
const SECRET = "the-secret-of-github";

const test = suite<{ root: string; opened: TestLatchhook; calls: () => Promise<string[]> }>(
  "flows/examples/deploy",
);
test.before.each(async (t) => {
  t.root = await tempFolder();
  for (const folder of ["bin", "app", "workflows"]) await mkdir(join(t.root, folder));
  // Commands of these names that say how they were called; build fails the first time.
  for (const name of ["git", "npm", "systemctl"]) {
    const path = join(t.root, "bin", name);
    await writeFile(
      path,
      `#!/bin/sh\necho "${name} $* in $(pwd) by $DEPLOYED_BY" >> "${t.root}/calls"\n${name === "npm" ? `[ -e "${t.root}/again" ] || { touch "${t.root}/again"; exit 1; }\necho built` : ""}\n`,
    );
    await chmod(path, 0o755);
  }
  const flow = (await readFile(FILE, "utf8")).replaceAll("/srv/app", join(t.root, "app"));
  await writeFile(join(t.root, "workflows", "deploy.yaml"), flow);
  t.opened = await openLatchhook({
    workflowsDir: join(t.root, "workflows"),
    secrets: { github: SECRET },
    env: { PATH: `${join(t.root, "bin")}${delimiter}${process.env.PATH}`, WEBHOOK_SECRET_GITHUB: SECRET },
  });
  t.calls = async () =>
    (await readFile(join(t.root, "calls"), "utf8").catch(() => "")).split("\n").slice(0, -1);
});
test.after.each(async (t) => {
  await t.opened.close();
  await removeFolder(t.root);
});

const SHA = "59b20b8d5c6ff8d09518216e87bb8f1a53b5b8e6";

/** A push as GitHub signs it. */
async function push(
  { latchhook }: TestLatchhook,
  ref: string,
  id: string,
): Promise<{ runs: { run_id: string }[] }> {
  const body = { ref, after: SHA, deleted: false, pusher: { name: "Ada; rm -rf /" }, commits: [] };
  const signed = signWebhook("github", body, SECRET, { id, type: "push" });
  const response = await latchhook.fetch(new Request("http://localhost/webhooks/github", signed));
  assert.is(response.status, 202);
  return (await response.json()) as { runs: { run_id: string }[] };
}

test("a push to main is deployed, and a failed build is tried again without what went before it", async ({
  root,
  opened,
  calls,
}) => {
  const { runs } = await push(opened, "refs/heads/main", "one");
  const runId = runs[0]?.run_id ?? "";
  await opened.waitsFor(runId, "retry");
  await opened.clock.advance(600_000);
  const run = await opened.reaches(runId, "succeeded");
  const app = join(root, "app");
  assert.equal(await calls(), [
    `git fetch --quiet origin in ${app} by `,
    `git checkout --quiet --force --detach ${SHA} in ${app} by `,
    `npm run build in ${app} by Ada; rm -rf /`,
    `npm run build in ${app} by Ada; rm -rf /`,
    `systemctl --user restart app in ${process.cwd()} by `,
  ]);
  assert.equal(run.result, { sha: SHA, by: "Ada; rm -rf /", log: "built\n" });
  assert.match(
    run.attempts[0]?.error?.message ?? "",
    /Cannot run npm in exec node "build": it ended with exit code 1/,
  );
});

test("a push to another branch deploys nothing", async ({ opened, calls }) => {
  assert.equal((await push(opened, "refs/heads/other", "two")).runs, []);
  assert.equal(await calls(), []);
});

test("GitHub's own sample of a push fits the flow", () => {
  const scheme = builtInScheme("github");
  const sample = scheme === undefined ? undefined : samplesOf("github", scheme).get("push");
  const body = JSON.stringify(sample);
  for (const key of ["after", "pusher", "ref", "deleted"]) assert.match(body, key);
});

test.run();
