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
 * @param command the program and its arguments, with templates as they are written
 */
export function codePlaces(command: readonly string[]): CodePlaces {
  const places = new Set<number>();
  let reader: string | null = null;
  let takesArguments = true;
  const isWrapped = WRAPPERS.test(nameOf(command[0] ?? ""));
  for (const [index, word] of command.entries()) {
    const name = nameOf(word);
    const program = PROGRAMS.find(({ names }) => names.test(name));
    if (program === undefined || (program.isWord && index > 0 && !isWrapped)) continue;
    const found = program.find(command.slice(index + 1));
    for (const place of found.code) places.add(index + 1 + place);
    if (found.readsCode) reader ??= name;
    // What follows an interpreter's code are the code's own arguments: the second sh in [sh, -c, "...", sh, "{x}"].
    if (found.takesArguments) break;
    takesArguments = false;
  }
  return { places, reader, takesArguments };
}

/** What is found among a program's arguments; places are counted from the first of them. */
interface Found {
  readonly code: readonly number[];
  readonly readsCode: boolean;
  readonly takesArguments: boolean;
}

interface Program {
  readonly names: RegExp;
  /** True for a name that is a word in other commands: `npm run watch`, `apt-get install make`. */
  readonly isWord?: boolean;
  find(args: readonly string[]): Found;
}

/** They run the command that follows among their arguments. */
const WRAPPERS =
  /^(?:env|sudo|doas|nohup|nice|timeout|time|stdbuf|setsid|chroot|busybox|xargs|find|flock|docker|podman|kubectl|systemd-run|su|runuser|ssh)$/;

/** The flags of an interpreter. */
interface Flags {
  /** Code follows as the next argument, or in the same one. */
  readonly code: RegExp;
  /** A value follows that chooses how it runs. */
  readonly valued?: RegExp;
  /** A value follows that is data to the code. */
  readonly data?: RegExp;
  /** A name and a value follow, both data. */
  readonly pair?: RegExp;
  /** The code is what it reads. */
  readonly reads?: RegExp;
  /** True where all that follows the code is for the code, flags included. */
  readonly isLast?: boolean;
  /** True where stdin is data even to an interpreter without a script. */
  readonly readsData?: boolean;
}

const SHELL: Flags = {
  code: /^-[A-Za-z]*c[A-Za-z]*/,
  valued: /^(?:[-+][A-Za-z]*[oO]|--rcfile|--init-file)$/,
  reads: /^-[A-Za-z]*s/,
  isLast: true,
};
const PYTHON: Flags = { code: /^-[A-Za-z]*?[cm]/, valued: /^-[WX]$/, isLast: true };
const NODE: Flags = {
  code: /^(?:-p?[ep]|--eval=?|--print=?)/,
  valued: /^(?:-[rC]|--(?:require|import|loader|conditions|preload|cwd))$/,
};
const PERL: Flags = { code: /^-[A-Za-z]*?[eE]/, valued: /^-I$/ };
const RUBY: Flags = { code: /^-[a-z]*?e/, valued: /^-[rICE]$/ };
const PHP: Flags = { code: /^-[rBREfF]/, valued: /^-[dczS]$/, isLast: true };
const LUA: Flags = { code: /^-e/, valued: /^-l$/ };
const AWK: Flags = { code: /^(?:-[ef]|--source=?|--file=?)/, data: /^-[vF]$/, readsData: true };
const SED: Flags = { code: /^(?:-[A-Za-z]*?[ef]|--expression=?|--file=?)/, valued: /^-l$/, readsData: true };
const JQ: Flags = {
  code: /^(?:-f|--from-file)/,
  pair: /^--(?:arg|argjson|slurpfile|rawfile)$/,
  readsData: true,
};

const PROGRAMS: readonly Program[] = [
  { names: /^(?:r?ba|da|z|k|mk|a|fi|c|tc)?sh$/, find: (args) => interpreter(args, SHELL) },
  { names: /^(?:python|pypy)[\d.]*$/, find: (args) => interpreter(args, PYTHON) },
  { names: /^(?:node(?:js)?\d*|bun|tsx)$/, find: (args) => interpreter(args, NODE) },
  { names: /^deno$/, find: (args) => interpreter(args, { code: /^eval$/ }) },
  { names: /^perl[\d.]*$/, find: (args) => interpreter(args, PERL) },
  { names: /^ruby[\d.]*$/, find: (args) => interpreter(args, RUBY) },
  { names: /^php[\d.]*$/, find: (args) => interpreter(args, PHP) },
  { names: /^(?:lua(?:jit)?[\d.]*|osascript)$/, find: (args) => interpreter(args, LUA) },
  { names: /^[gmn]?awk$/, find: (args) => interpreter(args, AWK) },
  { names: /^g?sed$/, find: (args) => interpreter(args, SED) },
  { names: /^jq$/, find: (args) => interpreter(args, JQ) },
  // The shell at the other end runs all that follows the host, put together to one text.
  { names: /^(?:ssh|rsh|mosh)$/, find: (args) => behindFirst(args, /^-[BbcDEeFIiJLlmOoPpQRSWw]$/) },
  { names: /^sqlite3$/, find: (args) => behindFirst(args, /^-(?:cmd|init|separator|newline|nullvalue)$/) },
  { names: /^psql$/, find: (args) => behindFlag(args, /^(?:-[cf]|--(?:command|file)=?)/, true) },
  {
    names: /^(?:mysql|mariadb)$/,
    find: (args) => behindFlag(args, /^(?:-e|--execute=?|--init-command=?)/, true),
  },
  { names: /^(?:su|runuser)$/, isWord: true, find: (args) => behindFlag(args, /^(?:-c|--command=?)/, true) },
  // -S takes a text apart, so that one argument becomes many.
  {
    names: /^env$/,
    isWord: true,
    find: (args) => behindFlag(args, /^(?:-[a-z]*S|--split-string=?)/, false),
  },
  // make expands $(shell ...) in variables, and hands what it expanded to a shell.
  { names: /^(?:g?make|watch|cmd|powershell|pwsh)$/, isWord: true, find: everything },
];

/** All up to the code, or to the name of the script, is written as it is; what follows is data. */
function interpreter(args: readonly string[], flags: Flags): Found {
  const code: number[] = [];
  const found = (isCode: boolean): Found => ({ code, readsCode: isCode, takesArguments: true });
  let hasCode = false;
  let isNext = false;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    const flag = flags.code.exec(arg)?.[0];
    if (arg === "--" && hasCode && !isNext) return found(false);
    if (flags.data?.test(arg)) at += 1;
    else if (flags.pair?.test(arg)) at += 2;
    else if (flags.valued?.test(arg)) code.push(at, ++at);
    else if (flag !== undefined) {
      code.push(at);
      hasCode = true;
      isNext = flag === arg;
    } else if (flags.reads?.test(arg)) return found(true);
    else if (isOption(arg)) code.push(at);
    else if (isNext) {
      code.push(at);
      if (flags.isLast) return found(false);
      isNext = false;
    } else {
      if (hasCode) return found(false);
      code.push(at);
      return found(flags.readsData !== true && (arg === "-" || arg === "/dev/stdin"));
    }
  }
  return found(!hasCode && flags.readsData !== true);
}

/** All but the first argument that is no flag, a host or a database; where nothing follows that, what is read is code. */
function behindFirst(args: readonly string[], valued: RegExp): Found {
  let first = 0;
  while (isOption(args[first] ?? "")) first += valued.test(args[first] ?? "") ? 2 : 1;
  const code = [...args.keys()].filter((at) => at !== first);
  return { code, readsCode: first + 1 >= args.length, takesArguments: false };
}

/** What follows a flag, wherever it stands. */
function behindFlag(args: readonly string[], flag: RegExp, isReader: boolean): Found {
  const code = [...args.entries()].flatMap(([at, arg]) => {
    const found = flag.exec(arg)?.[0];
    if (found === undefined) return [];
    return found === arg ? [at + 1] : [at];
  });
  return { code, readsCode: isReader && code.length === 0, takesArguments: false };
}

function everything(args: readonly string[]): Found {
  return { code: [...args.keys()], readsCode: args.every(isOption), takesArguments: false };
}

/** A dash alone stands for stdin. */
function isOption(arg: string): boolean {
  return /^[-+]./.test(arg);
}

function nameOf(word: string): string {
  return word
    .replace(/^.*[\\/]/, "")
    .replace(/\.exe$/i, "")
    .toLowerCase();
}
