import { readFile } from "node:fs/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parse } from "yaml";
import { checkFlow } from "../../lib/flows/check.ts";
import { ANSWER_BYTES_MAX, ANSWER_HEAD_MAX } from "../../lib/flows/http/exchange.ts";
import { httpForm, REDIRECTS_BY_DEFAULT, TIMEOUT_BY_DEFAULT } from "../../lib/flows/http/http-form.ts";
import { REQUEST_BYTES_MAX, REQUEST_HEADERS_MAX } from "../../lib/flows/http/outgoing.ts";
import { URL_LENGTH_MAX } from "../../lib/flows/http/url-template.ts";

const test = suite("docs/flows-http-page");

const page = await readFile(new URL("../../docs/flows-http.md", import.meta.url), "utf8");

test("the nodes of docs/flows-http.md have no fault", () => {
  const [, text = ""] = /```yaml\n(.*?)```/s.exec(page) ?? [];
  const fields = { repo: "str", open_issues: "list", first_title: "str", code: "int" };
  const faults = checkFlow({
    schema_version: "1.0",
    flow: { name: "page" },
    env: ["API_TOKEN", "CHAT_URL"],
    state: { fields: Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, { type }])) },
    nodes: parse(text),
    edges: [
      { from: "START", to: "issues" },
      { from: "issues", to: "post" },
      { from: "post", to: "END" },
    ],
  });
  assert.equal(faults, []);
});

test("each key of the form has its row, and the bounds are those of the code", () => {
  const rows = Array.from(page.matchAll(/^\| `(\w+)` \|/gm), ([, key]) => key);
  assert.equal(rows.sort(), Object.keys((httpForm as unknown as { entries: object }).entries).sort());
  const comma = (value: number): string => value.toLocaleString("en");
  for (const line of [
    `| URL, filled in | ${comma(URL_LENGTH_MAX)} characters |`,
    `| headers of the node, names and values | ${comma(REQUEST_HEADERS_MAX)} bytes |`,
    `| body sent | ${REQUEST_BYTES_MAX / 1_048_576} MiB |`,
    `| head of the answer | ${ANSWER_HEAD_MAX / 1_024} KiB |`,
    `| body of the answer, also when unpacked | ${comma(ANSWER_BYTES_MAX)} bytes`,
    `at most 600 | ${TIMEOUT_BY_DEFAULT} |`,
    `0 to 10 | ${REDIRECTS_BY_DEFAULT} |`,
  ]) {
    assert.ok(page.includes(line), line);
  }
});

test.run();
