import { readFile } from "node:fs/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PROBLEMS } from "../lib/http/problem.ts";
import type { ListenOptions } from "../lib/options.ts";
import { settingsFromEnv } from "../lib/settings.ts";

const test = suite("docs");
const root = new URL("../", import.meta.url);
const read = (path: string): Promise<string> => readFile(new URL(path, root), "utf8");

test("docs/problems.md lists every problem as it is answered, and no other", async () => {
  const rows = Array.from(PROBLEMS, ([code, { status, title, detail }]) => {
    return `| \`urn:latchhook:${code}\` | ${status} | ${title} | ${detail ?? "says what to change"} |`;
  });
  const lines = (await read("docs/problems.md")).split("\n").filter((line) => line.startsWith("| `urn:"));
  assert.equal(lines, rows);
});

test("README.md's table of settings has the defaults that an empty environment gives", async () => {
  const readme = await read("README.md");
  const settings = settingsFromEnv({}) as ReturnType<typeof settingsFromEnv> & ListenOptions;
  const rows: [string, string][] = [
    ["`HOST`, `PORT`", `${settings.host}, ${settings.port}`],
    ["`DATABASE_URL`", `\`${settings.storage}\``],
    ["`WORKFLOWS_DIR`", `\`${settings.workflowsDir}\``],
    ["`WEBHOOK_REQUIRE_ID`", `\`${settings.requireId}\``],
    ["`ROLE`", `\`${settings.role}\``],
    ["`CONCURRENCY`", `${settings.concurrency}`],
    ["`MAX_BODY_BYTES`", `${settings.bodyBytesMax}`],
    ["`RETENTION_DAYS`, `ID_RETENTION_DAYS`", `${settings.retentionDays}, ${settings.idRetentionDays}`],
    ["`SHUTDOWN_GRACE`", `${Number(settings.shutdownGrace) / 1_000}s`],
    ["`LOG_LEVEL`, `LOG_FORMAT`", `${settings.logLevel}, by terminal`],
    ["`LOG_SAMPLE`", `${settings.logSample}`],
  ];
  for (const [names, value] of rows)
    assert.ok(readme.includes(`| ${names} | ${value} |`), `${names} | ${value}`);
});

test.run();
