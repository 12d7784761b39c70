import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkScheme } from "../../lib/schemes/check-scheme.ts";
import { builtInScheme, builtInSchemeNames } from "../../lib/schemes/mod.ts";
import { PROVIDER_NAME } from "../../lib/workflow.ts";

const test = suite("schemes/mod");

test("every built-in scheme has a provider's name and passes the check of a user's", () => {
  assert.ok(builtInSchemeNames().includes("generic"));
  for (const name of builtInSchemeNames()) {
    assert.match(name, PROVIDER_NAME);
    checkScheme(name, builtInScheme(name));
  }
});

test("an inherited name is no scheme", () => {
  for (const name of ["__proto__", "constructor", "toString", "", "Generic", "default"]) {
    assert.is(builtInScheme(name), undefined, name);
  }
});

test.run();
