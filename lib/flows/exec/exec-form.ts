import * as v from "valibot";
import { mapping } from "../mapping.ts";

/** A command and how it is run. */
export interface ExecForm {
  /** The program and its arguments. Never a shell: templates fill single arguments. */
  readonly command: readonly string[];
  /** The folder that it runs in; by default the server's. */
  readonly cwd?: string | undefined;
  /** Variables besides PATH, HOME, LANG and TMPDIR. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** What it reads; by default nothing. */
  readonly stdin?: string | undefined;
  /** Seconds. */
  readonly timeout?: number | undefined;
  /** The exit codes that are no failure. */
  readonly expect?: number | readonly number[] | "any" | undefined;
  /** True where an argument may begin with a template whose value begins with "-". */
  readonly allow_dash?: boolean | undefined;
}

/** Seconds, where the file says nothing. */
export const TIMEOUT_BY_DEFAULT = 60;

/** More arguments than this are data, and belong in stdin. */
const ARGUMENTS_MAX = 200;

const command = 'give a list: the program and its arguments, such as [git, pull, "--ff-only"]';
const seconds = "give seconds, above 0 and at most 3600";
const code = "give an exit code from 0 to 255, a list of them, or any";
const variables = "give a mapping of names to text";
const exitCode = v.pipe(v.number(code), v.integer(code), v.minValue(0, code), v.maxValue(255, code));

/** The form of `exec`. */
export const execForm: v.GenericSchema<unknown, ExecForm> = v.pipe(
  v.strictObject({
    command: v.pipe(
      v.array(v.string("give text, in quotes where it looks like a number"), command),
      v.minLength(1, command),
      v.maxLength(ARGUMENTS_MAX, `give at most ${ARGUMENTS_MAX} arguments`),
      v.description("The program and its arguments; never a shell, each entry is one argument"),
    ),
    cwd: v.exactOptional(
      v.pipe(
        v.string("give a folder"),
        v.minLength(1, "give a folder"),
        v.description("The folder that it runs in; by default the server's"),
      ),
    ),
    env: v.exactOptional(
      v.pipe(
        mapping(v.string("give text, in quotes where it looks like a number"), variables),
        v.description("Variables besides PATH, HOME, LANG and TMPDIR; {env.NAME} may stand in their values"),
      ),
    ),
    stdin: v.exactOptional(
      v.pipe(v.string("give text"), v.description("What the command reads; {env.NAME} may stand in it")),
    ),
    timeout: v.exactOptional(
      v.pipe(
        v.number(seconds),
        v.gtValue(0, seconds),
        v.maxValue(3_600, seconds),
        v.description(
          `Seconds, default ${TIMEOUT_BY_DEFAULT}; then the command and all that it started is ended`,
        ),
      ),
    ),
    expect: v.exactOptional(
      v.pipe(
        v.union([exitCode, v.pipe(v.array(exitCode), v.minLength(1, code)), v.literal("any")], code),
        v.description("The exit codes that are no failure, default 0"),
      ),
    ),
    allow_dash: v.exactOptional(
      v.pipe(
        v.boolean("give true or false"),
        v.description('True where an argument may begin with a template whose value begins with "-"'),
      ),
    ),
  }),
  v.description("A command, without a shell"),
) as v.GenericSchema<unknown, ExecForm>;
