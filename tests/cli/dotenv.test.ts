import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { loadDotenv, parseDotenv } from "../../lib/cli/dotenv.ts";
import { tempFolder } from "../support/temp-folder.ts";

const test = suite("cli/dotenv");

const cases: readonly [text: string, expected: Record<string, string>][] = [
  ["", {}],
  ["A=1", { A: "1" }],
  ["A=1\nB=2\n", { A: "1", B: "2" }],
  ["\uFEFFA=1\r\nB=2\r\n", { A: "1", B: "2" }],
  ["# all\n\n   \nA=1 # one\n  # two", { A: "1" }],
  ["export A=1\nexport\tB = 2", { A: "1", B: "2" }],
  ["  A  =  a b  ", { A: "a b" }],
  ["A=\nB=''\nC=\"\"\nD= # none", { A: "", B: "", C: "", D: "" }],
  ["A=a=b==", { A: "a=b==" }],
  ["A=a#b\nB=#c", { A: "a#b", B: "" }],
  ["A='a # \\n $B' # c", { A: "a # \\n $B" }],
  ['A="a # \\n\\t\\"b\\" \\\\n C:\\data" # c', { A: 'a # \n\t"b" \\n C:\\data' }],
  ['A=`it\'s "so"`', { A: 'it\'s "so"' }],
  ["A=\"one\ntwo\"\nB='three\nfour'", { A: "one\ntwo", B: "three\nfour" }],
  ["A=it's", { A: "it's" }],
  ["A=\\n", { A: "\\n" }],
  ["A=1\nA=2", { A: "2" }],
  ["a.b-c=1", { "a.b-c": "1" }],
  ["exported=1\nexport=2", { exported: "1", export: "2" }],
  ["A=$B", { A: "$B" }],
];
for (const [text, expected] of cases) {
  test(`read: ${JSON.stringify(text)}`, () => {
    assert.equal(Object.fromEntries(parseDotenv(text)), expected);
  });
}

const refused: readonly [text: string, line: number][] = [
  ["A=1\nhunter2", 2],
  ["A='hunter2", 1],
  ['A=1\n\nB="hunter2\nC=1', 3],
  ['A="hunter2"x', 1],
  ["1A=hunter2", 1],
  ["A B=hunter2", 1],
  ["=hunter2", 1],
];
for (const [text, line] of refused) {
  test(`refused: ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseDotenv(text),
      (error: Error) =>
        error.message.startsWith(`Cannot read line ${line} of .env: `) && !error.message.includes("hunter2"),
    );
  });
}

test("a long line is read in time that grows with its length only", () => {
  const startedAt = performance.now();
  assert.is(parseDotenv(`A=${" a".repeat(200_000)}`).get("A")?.length, 399_999);
  assert.is(parseDotenv(`A=${"#".repeat(200_000)}`).get("A"), "");
  assert.ok(performance.now() - startedAt < 2_000);
});

test("what is set already wins, even if it is empty", async () => {
  const folder = await tempFolder();
  await writeFile(join(folder, ".env"), "A=file\nB=file\nC=file\n");
  const env: Record<string, string | undefined> = { A: "set", B: "" };
  loadDotenv(env, folder);
  assert.equal(env, { A: "set", B: "", C: "file" });
});

test("a folder without .env sets nothing, and one that can't be read says so", async () => {
  const folder = await tempFolder();
  const env = {};
  loadDotenv(env, folder);
  assert.equal(env, {});
  await mkdir(join(folder, ".env"));
  assert.throws(
    () => loadDotenv(env, folder),
    /^Cannot read .*\.env \(EISDIR\): make it readable or remove it$/,
  );
});

test.run();
