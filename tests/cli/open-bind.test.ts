import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isLoopbackHost, refuseOpenBind } from "../../lib/cli/open-bind.ts";
import { settingsFromEnv } from "../../lib/settings.ts";

const test = suite("cli/open-bind");

const cases: readonly [env: Record<string, string>, isRefused: boolean][] = [
  [{}, false],
  [{ HOST: "127.0.0.1" }, false],
  [{ HOST: "127.1.2.3" }, false],
  [{ HOST: "::1" }, false],
  [{ HOST: "localhost" }, false],
  [{ HOST: "0.0.0.0" }, true],
  [{ HOST: "::" }, true],
  [{ HOST: "192.0.2.7" }, true],
  [{ HOST: "hooks.example.org" }, true],
  [{ HOST: "localhost.example.org" }, true],
  [{ HOST: "127.0.0.1.example.org" }, true],
  [{ HOST: "0.0.0.0", ADMIN_TOKEN: "t".repeat(24) }, true],
  [{ HOST: "0.0.0.0", WEBHOOK_PROVIDERS: "github" }, true],
  [{ HOST: "0.0.0.0", WEBHOOK_ALLOW_UNSIGNED: "false" }, true],
  [{ HOST: "0.0.0.0", WEBHOOK_ALLOW_UNSIGNED: "true" }, false],
  [{ HOST: "0.0.0.0", WEBHOOK_ALLOW_UNSIGNED: "github" }, false],
  [{ HOST: "0.0.0.0", WEBHOOK_SECRET_GITHUB: "s" }, false],
  [{ HOST: "0.0.0.0", WEBHOOK_SECRET_DEFAULT: "s" }, false],
  [{ HOST: "0.0.0.0", ROLE: "serve" }, true],
  [{ HOST: "0.0.0.0", ROLE: "work" }, false],
  [{ HOST: "0.0.0.0", ROLE: "work", PORT: "8080" }, false],
];
for (const [env, isRefused] of cases) {
  test(`${JSON.stringify(env)} is ${isRefused ? "refused" : "let through"}`, () => {
    const settings = settingsFromEnv(env);
    if (isRefused) assert.throws(() => refuseOpenBind(settings), /^Cannot listen on HOST=/);
    else refuseOpenBind(settings);
  });
}

test("the refusal is one line that names the three ways out", () => {
  assert.throws(
    () => refuseOpenBind({ host: "0.0.0.0" }),
    /^[^\n]*WEBHOOK_SECRET_GENERIC[^\n]*WEBHOOK_ALLOW_UNSIGNED[^\n]*HOST=127\.0\.0\.1$/,
  );
});

test("an address that only looks like loopback is none", () => {
  for (const host of ["127.1", "0", "", "::ffff:192.0.2.1", "LOCALHOST."])
    assert.not.ok(isLoopbackHost(host), host);
});

test.run();
