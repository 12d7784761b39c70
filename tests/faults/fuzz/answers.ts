import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import type { Answer } from "../../support/open-server.ts";
import { problemOf } from "../../support/problem-of.ts";

const DOCS = readFileSync(new URL("../../../docs/problems.md", import.meta.url), "utf8");

/** Name to status, as docs/problems.md lists them: the table, and what the socket itself answers. */
const LISTED: ReadonlyMap<string, number> = new Map(
  [...DOCS.matchAll(/^\| `urn:latchhook:(\w+)` \| (\d{3}) \||`(\w+)` \((\d{3})\)/gm)].map(
    ([, name, status, raw, rawStatus]) => [name ?? raw ?? "", Number(status ?? rawStatus)],
  ),
);

const SUCCESSES: ReadonlySet<number> = new Set([200, 202, 204]);

/**
 * Fails unless an answer is one that the contract knows: the standard headers, and either a success or a whole problem
 * that docs/problems.md lists. A 500 and a 503 are neither: nothing here asks for an outcome, and our own faults are
 * what we look for.
 *
 * @returns the problem's name; null for a success
 */
export function checkAnswer(answer: Answer, isHead = false): string | null {
  const { status, headers, text } = answer;
  const shown = `${status} ${JSON.stringify([...headers])} ${text}`;
  assert.is(headers.get("cache-control"), "no-store", shown);
  assert.is(headers.get("x-content-type-options"), "nosniff", shown);
  assert.is(headers.get("referrer-policy"), "no-referrer", shown);
  for (const name of headers.keys())
    assert.not.match(name, /^(server|set-cookie|x-powered-by|access-control-.*)$/);
  if (SUCCESSES.has(status)) {
    if (text !== "") assert.type(JSON.parse(text), "object");
    return null;
  }
  assert.is(headers.get("content-type"), "application/problem+json", shown);
  if (status === 405) assert.ok(headers.get("allow"), shown);
  if (status === 401) assert.ok(headers.get("www-authenticate"), shown);
  assert.ok(status < 500, shown);
  if (isHead) {
    assert.is(text, "");
    return "";
  }
  const { name } = problemOf(answer);
  assert.is(LISTED.get(name), status, shown);
  return name;
}
