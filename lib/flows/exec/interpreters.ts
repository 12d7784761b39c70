/** Programs that run code which stands in an argument, and the flags in front of it. */
const INTERPRETERS: readonly (readonly [program: RegExp, flag: RegExp])[] = [
  [/^(?:ba|da|z|k|a|fi|c|tc)?sh$/, /^-[a-z]*c$/],
  [/^(?:python|pypy)[\d.]*$/, /^-[A-Za-z]*c$/],
  [/^node$/, /^(?:-[a-z]*[ep]|--eval|--print)$/],
  [/^bun$/, /^(?:-e|--eval|-p|--print)$/],
  [/^deno$/, /^eval$/],
  [/^perl[\d.]*$/, /^-[A-Za-z]*[eE]$/],
  [/^ruby[\d.]*$/, /^-[a-z]*e$/],
  [/^php[\d.]*$/, /^-r$/],
  [/^(?:pwsh|powershell)$/, /^-(?:c|command|encodedcommand)$/i],
  [/^cmd$/, /^\/[ck]$/i],
  [/^(?:mysql|psql|sqlite3)$/, /^(?:-c|-e|--command|--execute)$/],
];

/** Programs whose first argument is code, without a flag. */
const ALWAYS = /^(?:awk|gawk|mawk|sed|jq|eval|osascript)$/;

/**
 * The place of the argument that holds code: where a template in it would be run as code, too. The list has the usual
 * interpreters, also behind `env`, `sudo` and the like; a program that nobody knows may run what it is handed as well.
 *
 * @returns null where none is known
 */
export function codeArgument(command: readonly string[]): number | null {
  for (const [index, word] of command.entries()) {
    const name = word.replace(/^.*[\\/]/, "").replace(/\.exe$/i, "");
    if (ALWAYS.test(name)) {
      const first = command.findIndex((argument, at) => at > index && !argument.startsWith("-"));
      return first === -1 ? null : first;
    }
    const flag = INTERPRETERS.find(([program]) => program.test(name))?.[1];
    if (flag === undefined) continue;
    const at = command.findIndex((argument, place) => place > index && flag.test(argument));
    if (at !== -1) return at + 1 < command.length ? at + 1 : null;
  }
  return null;
}
