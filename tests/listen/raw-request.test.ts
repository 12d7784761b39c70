import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { WebhookError } from "../../lib/errors.ts";
import { RawHeaders } from "../../lib/listen/node-request.ts";
import { checkRawRequest } from "../../lib/listen/raw-request.ts";

const test = suite("listen/raw-request");

const HOST = ["Host", "local.test"];

/** What tests/listen/node.test.ts cannot send, because a runtime's own parser refuses some of it first. */
const refused: readonly [target: string, rawHeaders: readonly string[], code: string][] = [
  ["", HOST, "not_found"],
  ["*", HOST, "not_found"],
  ["a", HOST, "not_found"],
  ["local.test:80", HOST, "not_found"],
  ["ftp://local.test/a", HOST, "not_found"],
  ["http:///a", HOST, "not_found"],
  ["http://local.test/a", ["host", ""], "not_found"],
  ["/a b", HOST, "not_found"],
  ["/a\tb", HOST, "not_found"],
  ["/a\nb", HOST, "not_found"],
  ["/\u00e4", HOST, "not_found"],
  ["/a?\u00e4", HOST, "not_found"],
  ["/a?b c", HOST, "not_found"],
  ["/a", [...HOST, ...HOST], "header_repeated"],
  ["/%", [...HOST, "HOST", "b"], "header_repeated"],
  ["/a", [], "target_invalid"],
];
for (const [target, rawHeaders, code] of refused) {
  test(`${JSON.stringify(target)} with ${JSON.stringify(rawHeaders)} is ${code}`, () => {
    assert.throws(
      () => checkRawRequest(target, new RawHeaders(rawHeaders), "1.1"),
      (error: WebhookError) => error.code === code,
    );
  });
}

test("what passes is read by a URL parser as it stands", () => {
  for (const target of [
    "/",
    "/a/b.c~d",
    "/!$&'()*+,;=:@-_",
    "/...",
    "/a?%2e%2e#".slice(0, -1),
    "/a?'\"<>`{|}^\\",
  ]) {
    const checked = checkRawRequest(target, new RawHeaders(HOST), "1.1");
    assert.is(checked, target);
    assert.is(new URL(`http://localhost${checked}`).pathname, target.split("?")[0]);
  }
});

test("other headers may come twice", () => {
  assert.is(checkRawRequest("/", new RawHeaders([...HOST, "X-A", "1", "X-A", "2"]), "1.1"), "/");
});

test("a path of 16 KiB is checked at once", () => {
  const startedAt = performance.now();
  for (const piece of ["/", "/a", "/.", "/..", "a/"]) {
    const target = `/${piece.repeat(8_000)}|`;
    assert.throws(() => checkRawRequest(target, new RawHeaders(HOST), "1.1"), /path/);
  }
  assert.ok(performance.now() - startedAt < 1_000);
});

test.run();
