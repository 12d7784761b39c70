import { suite } from "uvu";
import * as assert from "uvu/assert";
import { suggest } from "../../lib/flows/suggest.ts";

const test = suite("flows/suggest");

test("the nearest known word is meant", () => {
  assert.is(suggest("nodse", ["flow", "nodes", "edges"]), 'did you mean "nodes"?');
  assert.is(suggest("max_retry", ["timeout", "max_retries"]), 'did you mean "max_retries"?');
});

test("where none is near all are named, and where there are none it says so", () => {
  assert.is(suggest("observability", ["flow", "nodes"]), "known are flow, nodes");
  assert.is(suggest("x".repeat(100_000), ["flow"]), "known are flow");
  assert.is(suggest("x", []), "there are none");
});

test.run();
