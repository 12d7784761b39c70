import { isReservedVariable, VARIABLE_NAME } from "../../environment-names.ts";
import { type Place, show } from "../fault.ts";
import type { NodeCheck } from "../node-kind.ts";
import { type Lookup, parseTemplate } from "../template.ts";
import { codePlaces } from "./code-places.ts";
import type { ExecForm } from "./exec-form.ts";
import { isLoadingName } from "./loading-names.ts";

/** Tells of what is wrong beyond the form: templates where text has to stand as it is, and code that templates would fill. */
export function checkExec(form: ExecForm, check: NodeCheck): void {
  const [program = "", ...args] = form.command;
  const text = (value: string, place: Place, options?: { mayReadEnv: boolean }): void => {
    if (value.includes("\0")) check.fault(place, "Cannot hand over a NUL character: leave it out");
    check.templates(value, place, options);
  };
  const literal = (value: string, place: Place, what: string): void => {
    text(value, place);
    if (!hasLookup(value)) return;
    check.fault(place, `Cannot fill ${show(value)}: ${what} is written as it is, without a template`);
  };
  literal(program, ["exec", "command", 0], "the program");
  if (program === "" || /\.(?:bat|cmd)$/i.test(program)) {
    check.fault(["exec", "command", 0], `Cannot run ${show(program)}: give a program that needs no shell`);
  } else if (/\s/.test(program) && !program.includes("/")) {
    check.fault(
      ["exec", "command", 0],
      `Cannot run ${show(program)}: give program and arguments one by one, as a list`,
    );
  }
  for (const [index, argument] of args.entries()) text(argument, ["exec", "command", index + 1]);
  if (form.cwd !== undefined) literal(form.cwd, ["exec", "cwd"], "the folder");
  for (const [name, value] of Object.entries(form.env ?? {})) {
    text(value, ["exec", "env", name], { mayReadEnv: true });
    checkVariable(name, value, check);
  }
  if (form.stdin !== undefined) check.templates(form.stdin, ["exec", "stdin"], { mayReadEnv: true });
  checkCode(form, check);
}

function checkCode({ command, stdin = "" }: ExecForm, check: NodeCheck): void {
  const { places, reader, takesArguments } = codePlaces(command);
  const way = takesArguments ? "as a further argument or by env" : "as data, by stdin or by env";
  for (const place of places) {
    if (!hasLookup(command[place] ?? "")) continue;
    check.fault(
      ["exec", "command", place],
      `Cannot fill code that a program runs: what the template finds would be run, too; hand it over ${way}, and read it there`,
    );
  }
  if (reader !== null && hasLookup(stdin)) {
    check.fault(
      ["exec", "stdin"],
      `Cannot fill what ${reader} reads: it would run what the template finds, too; give it its code as an argument, and the value beside it`,
    );
  }
}

function checkVariable(name: string, value: string, check: NodeCheck): void {
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
  // What {env.NAME} finds is the operator's own, as the file is: the server's SSH_AUTH_SOCK, say.
  if (isLoadingName(name) && hasLookup(value, (lookup) => lookup.root !== "env")) {
    check.fault(
      place,
      `Cannot fill ${name}: it says which code is run, so that it is written as it is, or from {env.NAME}`,
    );
  }
}

/** True where templates that can be read have a lookup, of those that are looked for. */
function hasLookup(text: string, isSought: (lookup: Lookup) => boolean = () => true): boolean {
  try {
    return parseTemplate(text).some((part) => typeof part === "object" && isSought(part));
  } catch {
    return false; // told of already
  }
}
