import { suite } from "uvu";
import * as assert from "uvu/assert";
import { banner, type Description } from "../../lib/cli/banner.ts";

const test = suite("cli/banner");

const tryOut: Description = {
  database: "file:latchhook.db",
  workflows: ["reminder", "test"],
  mode: "try-out",
  modeMeans: "nothing is asked for",
};
const at = { address: "127.0.0.1", port: 4321 };

test("it says where it listens, what it keeps, what it runs, what is asked for, and who restarts it", () => {
  const text = banner(tryOut, at);
  for (const part of [
    "http://127.0.0.1:4321\n",
    "file:latchhook.db",
    "reminder, test\n",
    "try-out: nothing is asked for",
    "supervisor (systemd, Docker)",
  ])
    assert.ok(text.includes(part), part);
});

test("in try-out mode it ends with a first delivery to the real port", () => {
  assert.is(
    banner(tryOut, at).trimEnd().split("\n").at(-1)?.trim(),
    `curl -X POST http://localhost:4321/webhooks/generic -H "Content-Type: application/json" -d '{"workflow_name":"test","inputs":{"topic":"AI"}}'`,
  );
  assert.not.match(banner({ ...tryOut, mode: "secured" }, at), /curl/);
});

test("a first delivery names a workflow that there is", () => {
  const last = (workflows: string[]): string =>
    banner({ ...tryOut, workflows }, at)
      .trimEnd()
      .split("\n")
      .at(-1) ?? "";
  assert.match(last(["reminder", "sum"]), /-d '{"workflow_name":"reminder","inputs":{}}'$/);
  assert.not.match(last([]), /curl/);
});

test("IPv6 addresses stand in brackets, and an unusual one is called by itself", () => {
  assert.match(banner(tryOut, { address: "::1", port: 1 }), /http:\/\/\[::1\]:1\n.*http:\/\/localhost:1\//s);
  assert.match(banner(tryOut, { address: "127.0.0.2", port: 1 }), /curl .*http:\/\/127\.0\.0\.2:1\//);
});

test("without a listener it says so and names no mode", () => {
  const text = banner(tryOut, null);
  assert.match(text, /runs workflows and does not listen/);
  assert.not.match(text, /http:|try-out|curl/);
});

test("no workflows, many workflows and control characters leave it readable", () => {
  assert.match(banner({ ...tryOut, workflows: [] }, at), /workflows {2}none\n/);
  const workflows = Array.from({ length: 25 }, (_, index) => `w${index}`);
  assert.match(banner({ ...tryOut, workflows }, at), /w18, w19 and 5 more\n/);
  assert.match(banner({ ...tryOut, database: "file:a\u001b[2J\nb" }, at), /file:a\\u001b\[2J\\u000ab\n/);
});

test.run();
