import { isLoadingName } from "./loading-names.ts";
import { type Found, PROGRAMS } from "./programs.ts";
import { type Wrapped, wrappedBy } from "./wrappers.ts";

/** Where a command has code, or says which code is run: a template there would let its value be run, too. */
export interface CodePlaces {
  /** Places in the command, of arguments that have to be written as they are. */
  readonly places: ReadonlySet<number>;
  /** The program that runs what it reads from stdin; null where there is none. */
  readonly reader: string | null;
  /** True where the code takes arguments, so that a value may be one of them. */
  readonly takesArguments: boolean;
}

/**
 * Finds the code in a command: that of the usual interpreters and of what hands its arguments to a shell, also behind
 * programs such as `env`, `sudo` and `docker`. A program that nobody knows may run what it is handed as well.
 *
 * Every argument may be the program that counts, for `node` in `docker exec node sh -c` is a container: what any of them
 * would make of those behind it is held against the command.
 *
 * @param command the program and its arguments, with templates as they are written
 */
export function codePlaces(command: readonly string[]): CodePlaces {
  const places = new Set<number>();
  let reader: string | null = null;
  let takesArguments = true;
  // What one program runs may run another: sudo timeout 60 env sh.
  const programs = [0];
  let isWrapped = false;
  for (const at of programs) {
    const behind = command.slice(at);
    const split = splitText(behind);
    if (split !== null) {
      const inner = [...split.places].map((place) => at + place);
      return { ...split, places: new Set([...places, ...inner]) };
    }
    const wrapped = wrappedBy(nameOf(command[at] ?? ""), behind.slice(1));
    if (wrapped === null) continue;
    isWrapped = true;
    programs.push(...wrapped.programs.map((place) => at + 1 + place));
    for (const place of placesOf(wrapped, behind)) places.add(at + place);
    if (wrapped.isShell) reader ??= nameOf(command[at] ?? "");
  }
  for (let index = 0; index < command.length; index++) {
    const word = command[index] ?? "";
    // A path that begins nowhere is none that is run from elsewhere: deployment/node is something of kubectl's.
    if (/^[^/.~].*\//.test(word) && !programs.includes(index)) continue;
    const name = nameOf(word);
    const found = findIn(name, command.slice(index + 1), index === 0 || isWrapped);
    if (found === null) continue;
    for (const place of found.code) places.add(index + 1 + place);
    if (found.readsCode) reader ??= name;
    if (!found.takesArguments) takesArguments &&= found.code.length === 0 && !found.readsCode;
    // What follows the code of an interpreter that is run itself are the code's own arguments.
    else if (index === 0) break;
    // The second sh in [sudo, sh, -c, "...", sh, "{x}"] is a name for the code, and no program.
    index += found.named;
  }
  return { places, reader, takesArguments };
}

/** `env -S` takes a text apart, so that one argument becomes many. */
function splitText(command: readonly string[]): CodePlaces | null {
  if (nameOf(command[0] ?? "") !== "env") return null;
  const at = command.findIndex((word, index) => index > 0 && SPLIT.test(word));
  if (at < 0) return null;
  const joined = command[at]?.replace(SPLIT, "") ?? "";
  const [text, next] = joined === "" ? [command[at + 1] ?? "", at + 2] : [joined, at + 1];
  const words = text.split(/\s+/).filter((word) => word !== "");
  const before = ["env", ...words];
  const inner = codePlaces([...before, ...command.slice(next)]);
  // The text itself is always written as it is; what is behind it stands further back in the command.
  const behind = [...inner.places].filter((place) => place >= before.length);
  return {
    ...inner,
    places: new Set([at, next - 1, ...behind.map((place) => place - before.length + next)]),
  };
}

const SPLIT = /^(?:-[A-Za-z]*S|--split-string=?)/;

function placesOf(wrapped: Wrapped | null, command: readonly string[]): number[] {
  if (wrapped === null) return [];
  const { programs, isCode } = wrapped;
  const assigned = [...command.entries()].flatMap(([at, word]) => {
    const [, name] = /^([A-Za-z_]\w*)=/.exec(word) ?? [];
    return name !== undefined && isLoadingName(name) ? [at] : [];
  });
  const all = isCode ? [...command.keys()].slice(1) : [];
  return [...programs.map((at) => at + 1), ...assigned, ...all];
}

function findIn(name: string, args: readonly string[], mayBeWord: boolean): Found | null {
  const program = PROGRAMS.find(({ names }) => names.test(name));
  if (program === undefined || (program.isWord === true && !mayBeWord)) return null;
  const found = program.find(args);
  return program.hasFile === true && readsFile(args) ? { ...found, readsCode: true } : found;
}

/** True for `-f -`: the program's code is what comes by stdin. */
function readsFile(args: readonly string[]): boolean {
  return args.some((arg, at) => {
    if (/^(?:-[A-Za-z]*f|--file=)(?:-|\/dev\/stdin)$/.test(arg)) return true;
    return /^(?:-[A-Za-z]*f|--file)$/.test(arg) && /^(?:-|\/dev\/stdin)$/.test(args[at + 1] ?? "");
  });
}

function nameOf(word: string): string {
  return word
    .replace(/^.*[\\/]/, "")
    .replace(/\.exe$/i, "")
    .toLowerCase();
}
