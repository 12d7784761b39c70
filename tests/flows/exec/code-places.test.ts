import { suite } from "uvu";
import * as assert from "uvu/assert";
import { codePlaces } from "../../../lib/flows/exec/code-places.ts";

const test = suite("flows/exec/code-places");

/** The word X stands where a template would be run, D where it is data. */
const commands: readonly (readonly string[])[] = [
  ["sh", "-c", "X", "sh", "D", "-D"],
  ["/bin/bash", "-lc", "X", "D"],
  ["sh", "-ce", "X"],
  ["sh", "-c", "--", "X", "D"],
  ["bash", "-c", "-x", "X", "D"],
  ["bash", "-eo", "pipefail", "-c", "X", "D"],
  ["bash", "--norc", "X", "D"],
  ["bash", "--rcfile", "X", "a.sh", "D"],
  ["bash", "deploy.sh", "-c", "D"],
  ["sh", "-c", 'exec "$@"', "sh", "python3", "-c", "D"],
  ["python3", "-c", "X", "--sha=D", "D"],
  ["python3.12", "-I", "-m", "X", "D"],
  ["python3", "-cX"],
  ["python3", "-W", "X", "run.py", "D", "-c", "D"],
  ["node", "--eval=X"],
  ["node", "--import", "X", "-e", "X", "--", "-D"],
  ["nodejs", "-pe", "X", "D"],
  ["node", "build.js", "-p", "D"],
  ["node", "X", "D"],
  ["deno", "eval", "X", "D"],
  ["deno", "run", "D"],
  ["bun", "-e", "X"],
  ["perl", "-ne", "X", "-e", "X", "D"],
  ["perl", "-eX"],
  ["ruby", "-rjson", "-e", "X", "D"],
  ["php", "-r", "X", "--", "-D"],
  ["awk", "-F", "D", "-v", "x=D", "X", "D"],
  ["awk", "-f", "X", "D"],
  ["sed", "-n", "X", "D"],
  ["sed", "-i.bak", "-e", "p", "-e", "X", "D"],
  ["sed", "--expression=X", "D"],
  ["jq", "-r", "--arg", "x", "D", "X", "D"],
  ["ssh", "deploy@D", "X", "X"],
  ["ssh", "-p", "22", "-i", "X", "D", "X"],
  ["ssh", "-oProxyCommand=X", "D"],
  ["sqlite3", "-json", "D", "X"],
  ["psql", "D", "-v", "x=D", "-c", "X"],
  ["psql", "--command=X"],
  ["mysql", "-e", "X", "D"],
  ["su", "D", "-c", "X"],
  ["env", "-S", "X"],
  ["env", "--split-string=X"],
  ["env", "A=D", "bash", "-c", "X"],
  ["sudo", "-u", "app", "make", "V=X"],
  ["make", "X", "V=X"],
  ["watch", "X"],
  ["docker", "exec", "D", "sh", "-c", "X"],
  ["docker", "exec", "D", "psql", "-c", "X"],
  ["find", "D", "-exec", "sh", "-c", "X", ";"],
  ["xargs", "-I", "y", "sh", "-c", "X"],
  ["pwsh", "-Command", "X", "X"],
  ["C:\\Windows\\System32\\CMD.EXE", "/c", "X"],
  ["npm", "run", "watch", "D"],
  ["apt-get", "install", "make", "D"],
  ["git", "checkout", "D"],
  ["printf", "%s", "D"],
];
for (const command of commands) {
  test(`${command.join(" ")}: a template is run where X stands, and data where D does`, () => {
    const { places } = codePlaces(command);
    for (const [index, word] of command.slice(1).entries()) {
      const place = index + 1;
      if (/X/.test(word)) assert.ok(places.has(place), `${place}: ${word} is code`);
      if (/D/.test(word)) assert.not(places.has(place), `${place}: ${word} is data`);
    }
  });
}

const readers: readonly [reader: string | null, command: readonly string[]][] = [
  ["bash", ["bash"]],
  ["sh", ["sh", "-e"]],
  ["sh", ["sh", "-s", "a"]],
  ["bash", ["sudo", "-u", "app", "/bin/bash", "-l"]],
  ["sh", ["sh", "/dev/stdin", "a"]],
  ["python3", ["python3", "-", "a"]],
  ["node", ["node"]],
  ["ssh", ["ssh", "host"]],
  ["bash", ["ssh", "host", "bash"]],
  ["sh", ["docker", "exec", "-i", "app", "sh"]],
  ["psql", ["psql", "shop"]],
  ["sqlite3", ["sqlite3", "shop.db"]],
  ["su", ["su", "app"]],
  ["pwsh", ["pwsh", "-NoProfile"]],
  [null, ["sh", "-c", "cat"]],
  [null, ["sh", "run.sh"]],
  [null, ["python3", "-c", "import sys"]],
  [null, ["python3", "-m", "json.tool"]],
  [null, ["ssh", "host", "cat"]],
  [null, ["psql", "-c", "COPY t FROM STDIN"]],
  [null, ["jq", "."]],
  [null, ["jq", "-r"]],
  [null, ["sed", "p"]],
  [null, ["awk", "1"]],
  [null, ["cat"]],
];
for (const [reader, command] of readers) {
  test(`${command.join(" ")}: ${reader ?? "nobody"} runs what comes by stdin`, () => {
    assert.is(codePlaces(command).reader, reader);
  });
}

test("code of a shell takes arguments, that of ssh and make does not", () => {
  assert.ok(codePlaces(["sh", "-c", "x"]).takesArguments);
  assert.ok(codePlaces(["git", "pull"]).takesArguments);
  assert.not(codePlaces(["ssh", "host", "x"]).takesArguments);
  assert.not(codePlaces(["make", "x"]).takesArguments);
});

test.run();
