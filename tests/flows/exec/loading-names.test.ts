import { suite } from "uvu";
import * as assert from "uvu/assert";
import { isLoadingName } from "../../../lib/flows/exec/loading-names.ts";

const test = suite("flows/exec/loading-names");

test("names that choose code are known, npm's own in whatever case", () => {
  for (const name of [
    "PATH",
    "LD_PRELOAD",
    "BASH_ENV",
    "NODE_OPTIONS",
    "npm_config_script_shell",
    "NPM_CONFIG_SCRIPT_SHELL",
    "Npm_Config_Git",
    "PYTHONPATH",
    "R_PROFILE_USER",
    "R_LIBS",
    "GIT_SSH_COMMAND",
    "GIT_EDITOR",
    "MANPAGER",
    "CC",
  ])
    assert.ok(isLoadingName(name), name);
});

test("names that are data are not taken for them", () => {
  for (const name of [
    "SHA",
    "path",
    "cc",
    "R_ID",
    "R_VERSION",
    "GIT_AUTHOR_NAME",
    "NODE_ENV",
    "GIT_SHA",
    "GIT_BRANCH",
    "MY_PATHS",
    "env",
  ])
    assert.not(isLoadingName(name), name);
});

test.run();
