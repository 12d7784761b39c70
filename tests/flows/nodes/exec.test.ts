import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { systemClock } from "../../../lib/clock.ts";
import type { ExecForm } from "../../../lib/flows/exec/exec-form.ts";
import { OUTPUT_JSON_MAX } from "../../../lib/flows/exec/kept-output.ts";
import { ANY_TYPE } from "../../../lib/flows/field-type.ts";
import type { NodeContext, NodeForm, RunNode } from "../../../lib/flows/node-kind.ts";
import { createExec } from "../../../lib/flows/nodes/exec.ts";
import { isFatalError } from "../../../lib/workflow-errors.ts";
import { flowHost } from "../../support/flow-host.ts";
import { isAlive } from "../../support/is-alive.ts";
import { rejects } from "../../support/rejects.ts";
import { removeFolder, tempFolder } from "../../support/temp-folder.ts";
import { until } from "../../support/until.ts";
import { valuesOf } from "../../support/values.ts";
import { attempt, flowOf } from "../../support/walk.ts";

const test = suite<{ folder: string }>("flows/nodes/exec");
test.before.each(async (t) => {
  t.folder = await tempFolder();
});
test.after.each((t) => removeFolder(t.folder));

interface Result {
  exit_code: number;
  stdout: string;
  stderr: string;
}

interface Given {
  state?: Record<string, unknown>;
  env?: Record<string, string>;
  signal?: AbortSignal;
  host?: Record<string, string>;
  graceMs?: number;
  drainMs?: number;
}

const PATH = process.env.PATH ?? "/usr/bin:/bin";

/** Runs the node once, without a flow around it. */
async function run(form: ExecForm, given: Given = {}): Promise<Result> {
  const { state = {}, env = {}, signal = new AbortController().signal, host = { PATH } } = given;
  const kind = createExec({
    clock: systemClock,
    graceMs: given.graceMs ?? 2_000,
    drainMs: given.drainMs ?? 1_000,
  });
  const node: NodeForm = { id: "do" };
  const ready = (await kind.prepare(form, node, {
    host: flowHost({ env: host }),
    llm: {},
    fields: new Map(),
    fault: (_place, detail) => assert.unreachable(detail),
  })) as RunNode;
  const context = { values: valuesOf(state, {}, env), stepName: "do", idempotencyKey: "k", signal };
  return (await ready(context as NodeContext)) as Result;
}

test("each entry is one argument, whatever a template finds: there is no shell", async () => {
  const nasty = [
    "; rm -rf /",
    "$(id)",
    "`id`",
    "a b  c",
    "*",
    "'\"\\",
    "line\nbreak",
    "&& false",
    "> x",
    "",
    "ünï",
  ];
  const state = Object.fromEntries(nasty.map((text, index) => [`n${index}`, text]));
  const { stdout } = await run(
    { command: ["printf", "[%s]", ...nasty.map((_, index) => `{state.n${index}}`), "x={state.n0}"] },
    { state },
  );
  assert.is(stdout, [...nasty, "x=; rm -rf /"].map((text) => `[${text}]`).join(""));
});

test("what is no text becomes JSON, in one argument", async () => {
  const { stdout } = await run(
    { command: ["printf", "[%s]", "{list}", "{n}"] },
    { state: { list: [1, "a b"], n: 3 } },
  );
  assert.is(stdout, '[[1,"a b"]][3]');
});

test("an argument that would begin with a dash ends the run, unless it may", async () => {
  const state = { name: "--upload-pack=evil" };
  await rejects(run({ command: ["printf", "[%s]", "ok", "{name}"] }, { state }), (error) => {
    assert.ok(isFatalError(error));
    assert.match(error.message, /^Cannot run printf in exec node "do": argument 3 would begin with "-"/);
    assert.not.match(error.message, "evil");
  });
  const free = await run({ command: ["printf", "[%s]", "{name}"], allow_dash: true }, { state });
  assert.is(free.stdout, "[--upload-pack=evil]");
  assert.is(
    (await run({ command: ["printf", "[%s]", "x{name}"] }, { state })).stdout,
    "[x--upload-pack=evil]",
  );
});

test("NUL characters and arguments that are too long end the run", async () => {
  for (const [text, why] of [
    ["a\0b", /argument 2 would hold a NUL/],
    ["x".repeat(131_072), /argument 2 would have more than 131071 bytes/],
  ] as const) {
    await rejects(run({ command: ["printf", "[%s]", "{text}"] }, { state: { text } }), (error) => {
      assert.match(error.message, why);
      assert.ok(isFatalError(error));
    });
  }
});

test("the command sees PATH, HOME, LANG, TMPDIR and the node's variables, and nothing else", async () => {
  const host = {
    PATH,
    HOME: "/home/x",
    LANG: "C",
    TMPDIR: "/tmp",
    OPENAI_API_KEY: "sk-1234567",
    SHELL: "/bin/sh",
    LD_PRELOAD: "evil.so",
  };
  const { stdout } = await run(
    { command: ["env"], env: { GREETING: "Hello {name}" } },
    { host, state: { name: "you" }, env: { API_TOKEN: "t0ken-t0ken" } },
  );
  // Node hands it on by itself, to measure what children cover.
  const seen = stdout
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith("NODE_V8_COVERAGE="));
  assert.equal(seen.sort(), ["GREETING=Hello you", "HOME=/home/x", "LANG=C", `PATH=${PATH}`, "TMPDIR=/tmp"]);
});

test("it runs in its folder, reads what it is handed, and nothing where that is nothing", async ({
  folder,
}) => {
  assert.is((await run({ command: ["pwd"], cwd: folder })).stdout, `${folder}\n`);
  assert.is(
    (await run({ command: ["cat"], stdin: "{data}" }, { state: { data: { a: 1 } } })).stdout,
    '{"a":1}',
  );
  assert.is((await run({ command: ["cat"] })).stdout, "");
  const large = "x".repeat(1_000_000);
  assert.is((await run({ command: ["true"], stdin: "{large}" }, { state: { large } })).exit_code, 0);
});

test("an exit code that is not expected fails the attempt, with the last words and without secrets", async () => {
  const command = ["sh", "-c", 'echo "no: $TOKEN" >&2; exit 3'];
  const form: ExecForm = { command, env: { TOKEN: "{env.API_TOKEN}" } };
  const env = { API_TOKEN: "t0ken-t0ken" };
  await rejects(run(form, { env }), (error) => {
    assert.is(
      error.message,
      'Cannot run sh in exec node "do": it ended with exit code 3, and its last words are "no: [hidden]"',
    );
    assert.not(isFatalError(error));
  });
  const shown = { exit_code: 3, stdout: "", stderr: "no: [hidden]\n" };
  for (const expect of [3, [0, 3], "any"] as const)
    assert.equal(await run({ ...form, expect }, { env }), shown);
  await rejects(run({ command: ["sh", "-c", "exit 0"], expect: [1] }), /it ended with exit code 0$/);
});

test("a signal that ended it is named", async () => {
  await rejects(run({ command: ["sh", "-c", "kill -TERM $$"], expect: "any" }), /it was ended by SIGTERM$/);
});

const notStarted: readonly [what: string, form: ExecForm, message: RegExp][] = [
  ["no program", { command: ["no-such-program"] }, /: there is no program "no-such-program" in PATH$/],
  ["no file", { command: ["/no/such/file"], cwd: "/" }, /: there is no program "\/no\/such\/file"$/],
  ["no folder", { command: ["true"], cwd: "/no/such/folder" }, /: there is no folder "\/no\/such\/folder"$/],
  ["a file as folder", { command: ["true"], cwd: process.execPath }, /: there is no folder ".+"$/],
  [
    "no program in a PATH of its own",
    { command: ["true"], env: { PATH: "/no" } },
    /no program "true" in PATH$/,
  ],
];
for (const [what, form, message] of notStarted) {
  test(`${what} is said, and may be another thing the next time`, async () => {
    for (const stdin of [{}, { stdin: "x".repeat(100_000) }]) {
      await rejects(run({ ...form, ...stdin }), (error) => {
        assert.match(error.message, message);
        assert.not(isFatalError(error));
      });
    }
  });
}

test("of a script whose interpreter is not there it is said so", async ({ folder }) => {
  await writeFile(join(folder, "own.sh"), "#!/no/such/interpreter\n", { mode: 0o755 });
  const why = /the interpreter that ".*own\.sh" names is not there$/;
  await rejects(run({ command: ["./own.sh"], cwd: folder }), why);
  await rejects(run({ command: [join(folder, "own.sh")] }), why);
});

test("more than the system takes ends the run, and nothing of it is shown", async () => {
  const state = { long: "sha-of-nobody".repeat(10_000) };
  const command = ["true", ...Array.from({ length: 60 }, () => "{long}")];
  for (const form of [{ command }, { command: ["true"], env: { A: "{long}{long}" } }]) {
    await rejects(run(form, { state }), (error) => {
      assert.match(
        error.message,
        /: its arguments and variables are more than the system takes; hand them over/,
      );
      assert.ok(isFatalError(error));
    });
  }
});

test("a relative program is looked for in the folder that it runs in", async ({ folder }) => {
  await writeFile(join(folder, "own.sh"), "#!/bin/sh\necho own\n", { mode: 0o755 });
  assert.is((await run({ command: ["./own.sh"], cwd: folder })).stdout, "own\n");
});

test("a command that prints for ever is kept to its beginning and its end", async () => {
  const script =
    "i=0; while [ $i -lt 60000 ]; do echo line-$i; i=$((i+1)); done; head -c 250000 /dev/zero | tr '\\0' '\\033' >&2";
  const { stdout, stderr } = await run({ command: ["sh", "-c", script] });
  assert.match(stdout, /^line-0\nline-1\n/);
  assert.match(stdout, /\n\[\d+ bytes left out\]\n/);
  assert.match(stdout, /line-59999\n$/);
  assert.ok(stdout.length < 300_000, `${stdout.length} characters`);
  assert.match(stderr, /\[\d+ bytes left out\]/);
  assert.ok(JSON.stringify(stderr).length <= OUTPUT_JSON_MAX, "control characters count as JSON writes them");
});

test("one that never stops printing is ended at its time-out", async () => {
  await rejects(run({ command: ["yes"], timeout: 0.3 }), /took over 0\.3 s/);
});

test("bytes that are no UTF-8 become U+FFFD", async () => {
  assert.is((await run({ command: ["printf", "a\\377b"] })).stdout, "a\ufffdb");
});

/** A command with a process in the background, which says who it is in a file and ends only by force where it is stubborn, or by itself after a minute. */
async function withBackground(
  folder: string,
  then: string,
  isStubborn: boolean,
): Promise<{ command: string[]; pid(): Promise<number> }> {
  const script = join(folder, "start.sh");
  const trap = isStubborn ? "trap '' TERM;" : "";
  await writeFile(
    script,
    `(${trap} echo started; n=0; while [ $n -lt 60 ]; do sleep 1; n=$((n+1)); done) &\necho $! > "$1"\n${then}\n`,
  );
  const file = join(folder, "pid");
  return {
    command: ["sh", script, file],
    async pid() {
      let text = "";
      await until(
        async () => {
          text = await readFile(file, "utf8").catch(() => "");
          return text.endsWith("\n");
        },
        () => "the process to write its pid",
      );
      return Number(text);
    },
  };
}

for (const isStubborn of [false, true]) {
  test(`a time-out ends the whole group, ${isStubborn ? "by force where it does not heed" : "also what runs in the background"}`, async ({
    folder,
  }) => {
    const { command, pid } = await withBackground(folder, "wait", isStubborn);
    await rejects(run({ command, timeout: 0.5 }, { graceMs: 100 }), (error) => {
      assert.is(
        error.message,
        'Cannot run sh in exec node "do": took over 0.5 s and was ended with its process group',
      );
      assert.not(isFatalError(error));
    });
    const background = await pid();
    await until(
      () => !isAlive(background),
      () => `process ${background} to end`,
    );
  });
}

test("the run's signal ends it, and is what it fails with", async ({ folder }) => {
  const { command, pid } = await withBackground(folder, "wait", false);
  const aborter = new AbortController();
  const ended = run({ command }, { signal: aborter.signal, graceMs: 100 });
  const background = await pid();
  const reason = new DOMException("cancelled", "AbortError");
  aborter.abort(reason);
  await ended.then(
    () => assert.unreachable(),
    (error: unknown) => assert.is(error, reason),
  );
  await until(
    () => !isAlive(background),
    () => `process ${background} to end`,
  );
  await rejects(run({ command }, { signal: aborter.signal }), /cancelled/);
});

test("a time-out after the command's own end is none, and ends nothing", async ({ folder }) => {
  const { command, pid } = await withBackground(folder, "echo done", false);
  const { stdout } = await run({ command, timeout: 0.5 }, { drainMs: 900 });
  assert.match(stdout, /done\n/);
  const background = await pid();
  assert.ok(isAlive(background));
  process.kill(background, "SIGKILL");
});

test("a time-out shows the last words, without secrets", async () => {
  const command = ["sh", "-c", 'echo "waiting for $TOKEN" >&2; exec sleep 30'];
  const env = { API_TOKEN: "t0ken-t0ken" };
  await rejects(
    run({ command, env: { TOKEN: "{env.API_TOKEN}" }, timeout: 0.4 }, { env }),
    /took over 0\.4 s and was ended with its process group, and its last words are "waiting for \[hidden\]"$/,
  );
});

test("a command that may not be ended, another user's, does not hang the node", async ({ folder }) => {
  const { command, pid } = await withBackground(folder, "wait", false);
  const kill = process.kill;
  // What the system answers to one who may not: sudo's children are root's.
  process.kill = (to, signal) => {
    if (to < 0) throw Object.assign(new Error("kill EPERM"), { code: "EPERM" });
    return kill(to, signal);
  };
  const leaders: number[] = [];
  try {
    const late = run({ command, timeout: 0.3 }, { graceMs: 50, drainMs: 50 });
    leaders.push(await pid());
    await rejects(late, /: took over 0\.3 s and could not be ended$/);
    const aborter = new AbortController();
    const aborted = run({ command }, { signal: aborter.signal, graceMs: 50, drainMs: 50 });
    aborter.abort(new DOMException("cancelled", "AbortError"));
    await rejects(aborted, /cancelled/);
  } finally {
    process.kill = kill;
  }
  for (const background of leaders) assert.ok(isAlive(background));
});

test("a process that left the group and holds the output open is not waited for", async () => {
  const command = ["sh", "-c", "setsid sleep 2 & wait"];
  await rejects(
    run({ command, timeout: 0.3 }, { graceMs: 1_000, drainMs: 50 }),
    /took over 0\.3 s and was ended/,
  );
});

test("what a command leaves running behind it is not waited for, and lives on", async ({ folder }) => {
  const { command, pid } = await withBackground(folder, "echo done", false);
  const { stdout } = await run({ command }, { drainMs: 50 });
  assert.match(stdout, /done\n/);
  const background = await pid();
  assert.ok(isAlive(background));
  process.kill(background, "SIGKILL");
});

const edges = [
  { from: "START", to: "do" },
  { from: "do", to: "END" },
];
const flow = (exec: unknown, env?: readonly string[]): ReturnType<typeof flowOf> =>
  flowOf(
    { x: "str", code: "int" },
    [{ id: "do", exec, outputs: { code: "exit_code", x: "stdout" } }],
    edges,
    { env: { PATH, API_TOKEN: "t0ken-t0ken" } },
    env === undefined ? {} : { env },
  );

test("in a flow its parts fill fields", async () => {
  assert.equal(await attempt(await flow({ command: ["printf", "hi {x}"] }), { x: "you" }), {
    x: "hi you",
    code: 0,
  });
});

const refused: readonly [what: string, exec: object, message: RegExp][] = [
  ["a command that is a text", { command: "rm -rf /" }, /as nodes\[0\]\.exec\.command: give a list/],
  ["an empty command", { command: [] }, /give a list/],
  ["a program from a template", { command: ["{x}"] }, /Cannot fill "\{x\}": the program is written as it is/],
  ["a folder from a template", { command: ["ls"], cwd: "/srv/{x}" }, /the folder is written as it is/],
  [
    "a variable's name from a template",
    { command: ["ls"], env: { "{x}": "a" } },
    /Cannot name a variable "\{x\}"/,
  ],
  [
    "a secret of the server by name",
    { command: ["ls"], env: { ADMIN_TOKEN: "a" } },
    /Cannot name a variable ADMIN_TOKEN/,
  ],
  [
    "a template in LD_PRELOAD",
    { command: ["ls"], env: { LD_PRELOAD: "{x}" } },
    /Cannot fill LD_PRELOAD: it says which code/,
  ],
  ["a variable of the environment in an argument", { command: ["ls", "{env.API_TOKEN}"] }, /stored or shown/],
  [
    "a template in a shell's script",
    { command: ["sh", "-c", "echo {x}"] },
    /Cannot fill code that a program runs/,
  ],
  [
    "one behind env and sudo",
    { command: ["/usr/bin/env", "A=1", "bash", "-lc", "echo {x}"] },
    /Cannot fill code/,
  ],
  ["one in another language", { command: ["python3", "-c", "print('{x}')"] }, /Cannot fill code/],
  ["one that a shell reads", { command: ["bash"], stdin: "git checkout {x}" }, /Cannot fill what bash reads/],
  ["one that comes as an environment's", { command: ["sh"], stdin: "{env.API_TOKEN}" }, /what sh reads/],
  [
    "one that a shell elsewhere runs",
    { command: ["ssh", "app@host", "deploy {x}"] },
    /Cannot fill code .+ hand it over as data, by stdin or by env/,
  ],
  ["a script from a template", { command: ["bash", "scripts/{x}"] }, /Cannot fill code that a program runs/],
  ["a NUL character in the folder", { command: ["ls"], cwd: "a\0b" }, /Cannot hand over a NUL character/],
  ["one in the program", { command: ["l\0s"] }, /Cannot hand over a NUL character/],
  ["one in a variable", { command: ["ls"], env: { A: "a\0b" } }, /Cannot hand over a NUL character/],
  ["no exit code that is expected", { command: ["ls"], expect: [] }, /give an exit code from 0 to 255/],
  ["a template in HOME", { command: ["ls"], env: { HOME: "{x}" } }, /Cannot fill HOME: it says which code/],
  [
    "one beside an environment's",
    { command: ["ls"], env: { GIT_SSH_COMMAND: "{env.API_TOKEN} {x}" } },
    /Cannot fill GIT_SSH_COMMAND/,
  ],
  ["one in a program that is always code", { command: ["sed", "-n", "s/{x}/y/"] }, /Cannot fill code/],
  ["a batch file", { command: ["deploy.bat"] }, /give a program that needs no shell/],
  ["a field that is not there", { command: ["ls", "{y}"] }, /Cannot read \{y\}/],
  ["no time", { command: ["ls"], timeout: 0 }, /give seconds, above 0/],
  ["an unknown key", { command: ["ls"], shell: true }, /Cannot use "shell"/],
];
for (const [what, exec, message] of refused) {
  test(`${what} is refused when the file is loaded`, async () => {
    await rejects(flow(exec, ["API_TOKEN"]), message);
  });
}

test("variables that say which code is run may come from the operator's environment", async () => {
  const exec = {
    command: ["sh", "-c", 'printf "%s" "$SSH_AUTH_SOCK$GIT_AUTHOR_NAME"'],
    env: { SSH_AUTH_SOCK: "{env.API_TOKEN}", GIT_AUTHOR_NAME: "{x}" },
  };
  assert.equal(await attempt(await flow(exec, ["API_TOKEN"]), { x: "Ada" }), { x: "[hidden]Ada", code: 0 });
});

test("a script takes templates as further arguments", async () => {
  const script = { command: ["sh", "-c", 'printf "%s" "$1"', "sh", "{x}"] };
  assert.equal(await attempt(await flow(script), { x: "$(id); rm" }), { x: "$(id); rm", code: 0 });
});

test("on Windows such a node is refused", () => {
  const faults: string[] = [];
  createExec({ clock: systemClock, graceMs: 1, drainMs: 1 }, "win32").check(
    { command: ["ls"] },
    { id: "do" },
    {
      fields: new Map(),
      fault: (_place, detail) => faults.push(detail),
      templates: () => true,
      typeOf: () => ANY_TYPE,
    },
  );
  assert.match(faults.join(), /Cannot run commands on Windows/);
});

test.run();
