import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { PROGRAM, Stage, spawnProgram, stopped } from "../../support/spawn-server.ts";
import { StoredFile } from "../../support/stored.ts";
import { fillDisk, mountSmallDisk, unmount } from "./machine.ts";
import { deliver } from "./sender.ts";

/** A user without rights; where the tests do not run as root, we are one ourselves. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65_534 } : {};
/** The server may make and write no file beyond so many blocks. */
const limitedTo = (blocks: number): { through: string[] } => ({
  through: ["sh", "-c", `ulimit -S -f ${blocks}; exec "$@"`, "sh"],
});
const PAGE_BYTES = 4_096;

/** What is wrong at the start, around a database that has served before. */
interface Fault {
  name: string;
  /** What the one line says: what is wrong, and what to do. */
  line: RegExp;
  given?: { uid?: number; through?: string[] };
  /** @returns undoes what the removal of the folder would not */
  prepare(path: string, bytes: Buffer): Promise<unknown>;
  cleanUp?(path: string): Promise<unknown>;
}

const faults: readonly Fault[] = [
  {
    name: "a header of garbage",
    line: /the file is not an SQLite database; move it away, or name another/,
    prepare: (path, bytes) => writeFile(path, bytes.fill(0xa5, 0, 100)),
  },
  {
    name: "a first page that is torn behind its header",
    line: /is damaged; restore a backup, or move it away/,
    prepare: (path, bytes) => writeFile(path, bytes.fill(0xa5, 100, PAGE_BYTES)),
  },
  {
    name: "a file that was cut short",
    line: /is damaged; restore a backup, or move it away/,
    prepare: (path, bytes) => writeFile(path, bytes.subarray(0, 2 * PAGE_BYTES)),
  },
  {
    name: "a file that its user may only read",
    line: /this user may not write to it; give this user the file/,
    given: NOBODY,
    prepare: async (path, bytes) => {
      await writeFile(path, bytes);
      await chmod(path, 0o444);
    },
  },
  {
    name: "a file that its user may not even read",
    line: /this user may not write to it; give this user the file/,
    given: NOBODY,
    prepare: async (path, bytes) => {
      await writeFile(path, bytes);
      await chmod(path, 0o000);
    },
  },
  {
    name: "a folder that its user may not write to",
    line: /this user may not write to it; give this user the file, its -wal and -shm and their folder/,
    given: NOBODY,
    prepare: async (path, bytes) => {
      await writeFile(path, bytes);
      await chmod(path, 0o666);
      await chmod(dirname(path), 0o555);
    },
    cleanUp: (path) => chmod(dirname(path), 0o777),
  },
  {
    name: "a file system on which nothing more can be written",
    line: /its disk cannot be read or written; see whether it is full or failing/,
    given: limitedTo(0),
    prepare: (path, bytes) => writeFile(path, bytes),
  },
  {
    name: "a folder where the log should be",
    line: /it, its -wal or its -shm cannot be opened/,
    prepare: async (path, bytes) => {
      await writeFile(path, bytes);
      await mkdir(`${path}-wal`);
    },
  },
];

const test = suite<{ stage: Stage }>("faults/outside/start");
test.before.each(async (t) => {
  t.stage = await Stage.make();
  await chmod(t.stage.file.folder, 0o755); // others have to get to what lies in it
});
test.after.each(({ stage }) => stage.close());

/** The bytes of a database that has served and was stopped in order. */
async function usedDatabase(stage: Stage): Promise<Buffer> {
  const server = await stage.server();
  const runs = await Promise.all(Array.from({ length: 20 }, (_, at) => deliver(server, "quick", `id-${at}`)));
  for (const { json } of runs) await server.reaches(String(json.run_id), "succeeded");
  await stopped(server);
  return readFile(stage.file.path);
}

test("each fault at the start ends it with 1 and with one line that says what to do", async ({ stage }) => {
  const bytes = await usedDatabase(stage);
  const found: string[] = [];
  for (const [at, { name, line, given = {}, prepare, cleanUp }] of faults.entries()) {
    const folder = join(stage.file.folder, String(at));
    await mkdir(folder);
    await chmod(folder, 0o777);
    const path = join(folder, "test.db");
    await prepare(path, Buffer.from(bytes));
    const env = { ...stage.env, PORT: "0", DATABASE_URL: `file:${path}` };
    const { ended, said, child } = spawnProgram({ file: PROGRAM, env, ...given });
    const giveUp = setTimeout(() => child.kill("SIGTERM"), 10_000);
    const { code } = await ended();
    clearTimeout(giveUp);
    const isOneLine = /^Cannot (open|make) database [^\n]*\n$/.test(said.stderr);
    if (code !== 1 || !isOneLine || !line.test(said.stderr) || said.stdout !== "") {
      found.push(`${name}: ended with ${code} and said ${said.stdout}${said.stderr}`);
    }
    await cleanUp?.(path);
  }
  assert.is(found.join("\n"), "");
});

test("on a disk that is full it does not start, and with room again it does, with all that it had", async ({
  stage,
}) => {
  const folder = join(stage.file.folder, "disk");
  await mkdir(folder);
  const isMounted = await mountSmallDisk(folder);
  const file = new StoredFile(folder);
  try {
    await writeFile(file.path, await usedDatabase(stage));
    const makeRoom = isMounted ? fillDisk(join(folder, "filler")) : () => {};
    const env = { ...stage.env, DATABASE_URL: file.url };
    const { ended, said } = spawnProgram({
      file: PROGRAM,
      env: { ...env, PORT: "0" },
      ...(isMounted ? {} : limitedTo(0)),
    });
    assert.is((await ended()).code, 1);
    assert.match(
      said.stderr,
      /^Cannot open database .*(is full; make room|see whether it is full or failing)\n$/,
    );

    makeRoom();
    const server = await stage.server({ file: PROGRAM, env });
    assert.is((await deliver(server, "quick", "id-7")).status, 200);
    assert.is((await deliver(server, "quick", "new")).status, 202);
  } finally {
    await stage.end();
    if (isMounted) await unmount(folder);
  }
});

test("a log of garbage is no log: it starts with what was in the database", async ({ stage }) => {
  await usedDatabase(stage);
  await writeFile(`${stage.file.path}-wal`, Buffer.alloc(5 * PAGE_BYTES, 0x5a));
  const server = await stage.server({ file: PROGRAM });
  assert.is((await deliver(server, "quick", "id-7")).status, 200);
  assert.is((await deliver(server, "quick", "new")).status, 202);
});

test.run();
