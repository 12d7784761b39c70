import { systemClock } from "../../clock.ts";
import { encodeText } from "../../json.ts";
import { FatalError, isFatalError } from "../../workflow-errors.ts";
import { checkExec } from "../exec/check-exec.ts";
import { type ExecForm, execForm, TIMEOUT_BY_DEFAULT } from "../exec/exec-form.ts";
import type { ExecGivens } from "../exec/process-group.ts";
import { type Command, type Ended, runCommand } from "../exec/run-command.ts";
import { show } from "../fault.ts";
import type { FieldType } from "../field-type.ts";
import type { NodeContext, NodeForm, NodeGivens, NodeKind, RunNode } from "../node-kind.ts";
import { secretHider } from "../secret-hider.ts";
import { asText, fillTemplate, parseTemplate, type Template, type Values } from "../template.ts";

/** Runs a command. The result is its exit code and what it printed. */
export const exec: NodeKind<ExecForm> = createExec({ clock: systemClock, graceMs: 2_000, drainMs: 1_000 });

/** The kind over givens of its own, for tests. */
export function createExec(givens: ExecGivens, platform: string = process.platform): NodeKind<ExecForm> {
  return {
    form: execForm,
    options: {},
    isGroup: false,
    partsOf: () => PARTS,
    check(form, _node, check) {
      checkExec(form, check);
      if (platform !== "win32") return;
      check.fault(
        ["exec"],
        "Cannot run commands on Windows, where a command cannot be ended with all that it started",
      );
    },
    prepare: (form, node, { host }) => prepare(form, node, host.env, givens),
  };
}

const PARTS: ReadonlyMap<string, FieldType> = new Map([
  ["exit_code", { kind: "int" }],
  ["stdout", { kind: "str" }],
  ["stderr", { kind: "str" }],
]);

/** What a command gets of the server's environment, where it is set. */
const INHERITED = ["PATH", "HOME", "LANG", "TMPDIR"];

/** Linux takes no longer argument, in bytes. */
const ARGUMENT_BYTES_MAX = 131_071;

/** How much of the last words of a command an error has, in characters. */
const LAST_WORDS_MAX = 400;

function prepare(
  form: ExecForm,
  node: NodeForm,
  env: NodeGivens["host"]["env"],
  givens: ExecGivens,
): RunNode {
  const [program = "", ...args] = form.command;
  const templates = args.map(parseTemplate);
  const variables = Object.entries(form.env ?? {}).map(
    ([name, value]) => [name, parseTemplate(value)] as const,
  );
  const stdin = form.stdin === undefined ? null : parseTemplate(form.stdin);
  const inherited = INHERITED.flatMap((name) =>
    env[name] === undefined ? [] : [[name, env[name]] as const],
  );
  const codes = form.expect === "any" ? null : [form.expect ?? 0].flat();
  const cannot = `Cannot run ${program} in exec node ${show(node.id)}`;
  return async ({ values, signal }: NodeContext) => {
    const command: Command = {
      program,
      args: templates.map((template, index) => fillArgument(template, index + 1, values, form, cannot)),
      cwd: form.cwd,
      env: Object.fromEntries([
        ...inherited,
        ...variables.map(([name, template]) => [name, fillText(template, values)]),
      ]),
      stdin: stdin === null ? null : fillText(stdin, values),
      timeoutMs: (form.timeout ?? TIMEOUT_BY_DEFAULT) * 1_000,
      hide: secretHider(Object.values(values.env)),
    };
    for (const [name, value] of Object.entries(command.env)) {
      if (value.includes("\0"))
        throw new FatalError(`${cannot}: variable ${name} would hold a NUL character`);
    }
    const ended = await runCommand(command, signal, givens).catch((error: unknown) => {
      if (signal.aborted) throw error;
      const message = `${cannot}: ${(error as Error).message}`;
      throw isFatalError(error) ? new FatalError(message) : new Error(message);
    });
    return resultOf(ended, codes, cannot);
  };
}

function resultOf(
  { exitCode, signal, late, stdout, stderr }: Ended,
  codes: readonly number[] | null,
  cannot: string,
): unknown {
  if (late !== null) throw new Error(`${cannot}: ${late}${lastWords(stderr)}`);
  if (exitCode === null) throw new Error(`${cannot}: it was ended by ${signal}${lastWords(stderr)}`);
  if (codes === null || codes.includes(exitCode)) return { exit_code: exitCode, stdout, stderr };
  throw new Error(`${cannot}: it ended with exit code ${exitCode}${lastWords(stderr)}`);
}

function lastWords(stderr: string): string {
  const words = stderr.trim().slice(-LAST_WORDS_MAX);
  return words === "" ? "" : `, and its last words are ${JSON.stringify(words)}`;
}

function fillArgument(
  template: Template,
  index: number,
  values: Values,
  { allow_dash }: ExecForm,
  cannot: string,
): string {
  const text = fillText(template, values);
  const isFilledFirst = typeof template[0] === "object";
  if (isFilledFirst && text.startsWith("-") && allow_dash !== true) {
    throw new FatalError(
      `${cannot}: argument ${index} would begin with "-", which the program may take for an option; put text before it, or set allow_dash: true`,
    );
  }
  if (text.includes("\0")) throw new FatalError(`${cannot}: argument ${index} would hold a NUL character`);
  if (encodeText(text).byteLength > ARGUMENT_BYTES_MAX) {
    throw new FatalError(
      `${cannot}: argument ${index} would have more than ${ARGUMENT_BYTES_MAX} bytes; hand it over by stdin`,
    );
  }
  return text;
}

function fillText(template: Template, values: Values): string {
  return asText(fillTemplate(template, values));
}
