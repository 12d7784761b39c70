import { isReservedVariable, VARIABLE_NAME } from "../../environment-names.ts";
import { show } from "../fault.ts";
import type { NodeCheck } from "../node-kind.ts";
import { parseTemplate } from "../template.ts";
import type { ExecForm } from "./exec-form.ts";
import { codeArgument } from "./interpreters.ts";

/** Tells of what is wrong beyond the form: templates where text has to stand as it is, and code that templates would fill. */
export function checkExec(form: ExecForm, check: NodeCheck): void {
  const [program = "", ...args] = form.command;
  const literal = (text: string, place: (string | number)[], what: string): void => {
    if (!check.templates(text, place) || !hasLookup(text)) return;
    check.fault(place, `Cannot fill ${show(text)}: ${what} is written as it is, without a template`);
  };
  literal(program, ["exec", "command", 0], "the program");
  if (program === "" || /\.(?:bat|cmd)$/i.test(program)) {
    check.fault(["exec", "command", 0], `Cannot run ${show(program)}: give a program that needs no shell`);
  }
  for (const [index, argument] of args.entries()) {
    const place = ["exec", "command", index + 1];
    if (argument.includes("\0"))
      check.fault(place, "Cannot hand over an argument with a NUL character: leave it out");
    check.templates(argument, place);
  }
  const code = codeArgument(form.command);
  if (code !== null && hasLookup(form.command[code] ?? "")) {
    check.fault(
      ["exec", "command", code],
      "Cannot fill code that a program runs: what the template finds would be run, too; hand it over as a further argument or by env, and read it there",
    );
  }
  if (form.cwd !== undefined) literal(form.cwd, ["exec", "cwd"], "the folder");
  checkVariables(form.env ?? {}, check);
  if (form.stdin !== undefined) check.templates(form.stdin, ["exec", "stdin"], { mayReadEnv: true });
}

/** They say which code a program loads, so that a template in one would choose it. */
const LOADING_NAME =
  /^(?:PATH|LD_.*|DYLD_.*|NODE_OPTIONS|NODE_PATH|BASH_ENV|ENV|IFS|SHELLOPTS|PYTHON.*|PERL5.*|RUBY.*|GIT_.*|SSH_.*)$/i;

function checkVariables(env: Readonly<Record<string, string>>, check: NodeCheck): void {
  for (const [name, value] of Object.entries(env)) {
    const place = ["exec", "env", name];
    if (!VARIABLE_NAME.test(name)) {
      check.fault(
        place,
        `Cannot name a variable ${show(name)}: give letters, digits and "_", without a template`,
      );
    } else if (isReservedVariable(name)) {
      check.fault(
        place,
        `Cannot name a variable ${name}: it is one of this server's own secrets; take another name`,
      );
    }
    if (!check.templates(value, place, { mayReadEnv: true }) || !hasLookup(value)) continue;
    if (LOADING_NAME.test(name)) {
      check.fault(place, `Cannot fill ${name}: it says which code is run, so that it is written as it is`);
    }
  }
}

/** True where templates that can be read have a lookup. */
function hasLookup(text: string): boolean {
  try {
    return parseTemplate(text).some((part) => typeof part === "object");
  } catch {
    return false; // told of already
  }
}
