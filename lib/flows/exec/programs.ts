/** What is found among a program's arguments; places are counted from the first of them. */
export interface Found {
  readonly code: readonly number[];
  readonly readsCode: boolean;
  readonly takesArguments: boolean;
  /** How many of the arguments up to the code's own are no program: all up to a name that a shell's code takes. */
  readonly named: number;
}

export interface Program {
  readonly names: RegExp;
  /** True for a name that is a word in other commands: `npm run watch`, `apt-get install make`. */
  readonly isWord?: boolean;
  /** True where its code may be in a file that -f names. */
  readonly hasFile?: boolean;
  find(args: readonly string[]): Found;
}

/** The flags of an interpreter. */
interface Flags {
  /** Code follows as the next argument, or in the same one. */
  readonly code: RegExp;
  /** A value follows that chooses how it runs. */
  readonly valued?: RegExp;
  /** A value follows that is data to the code. */
  readonly data?: RegExp;
  /** The same, where the value stands in one word with the flag. */
  readonly held?: RegExp;
  /** A name and a value follow, both data. */
  readonly pair?: RegExp;
  /** The code is what it reads. */
  readonly reads?: RegExp;
  /** True where all that follows the code is for the code, flags included. */
  readonly isLast?: boolean;
  /** True where stdin is data even to an interpreter without a script. */
  readonly readsData?: boolean;
}

// Flags may stand together in one word, behind those alone that take no value: in -Ufred is no -f.
const SHELL: Flags = {
  code: /^-[A-Za-z]*c[A-Za-z]*/,
  valued: /^(?:[-+][A-Za-z]*[oO]|--rcfile|--init-file)$/,
  reads: /^-[A-Za-z]*s/,
  isLast: true,
};
const PYTHON: Flags = { code: /^-[bBdEiIOPqsSuvVx]*[cm]/, valued: /^-[WX]$/, isLast: true };
const NODE: Flags = {
  code: /^(?:-p?[ep]|--eval=?|--print=?)/,
  valued:
    /^(?:-[rC]|--(?:require|import|loader|experimental-loader|conditions|preload|cwd|title|env-file(?:-if-exists)?|watch-path|inspect-port|icu-data-dir|openssl-config|disable-warning|diagnostic-dir|redirect-warnings|unhandled-rejections|input-type|test-(?:name-pattern|reporter|reporter-destination)|trace-(?:event-categories|require-module)|max-http-header-size|dns-result-order|tls-(?:cipher-list|keylog)|project))$/,
};
const PERL: Flags = { code: /^-[acnpsStTuUwWXl0-7]*[eE]/, valued: /^-I$/ };
const RUBY: Flags = { code: /^-[aclnpsvwyS0-7]*e/, valued: /^-[rICE]$/ };
const PHP: Flags = { code: /^-[rBREfF]/, valued: /^-[dczS]$/, isLast: true };
const LUA: Flags = { code: /^-e/, valued: /^-l$/ };
const AWK: Flags = {
  code: /^(?:-[eEf]|--(?:source|file|exec)=?)/,
  valued: /^(?:-[il]|--(?:include|load))$/,
  data: /^-[vF]$/,
  held: /^-[vF]./,
  readsData: true,
};
const SED: Flags = { code: /^(?:-[nrEsuz]*[ef]|--expression=?|--file=?)/, valued: /^-l$/, readsData: true };
const JQ: Flags = {
  code: /^(?:-f|--from-file)/,
  pair: /^--(?:arg|argjson|slurpfile|rawfile)$/,
  readsData: true,
};

/** The first that fits a name is taken. */
export const PROGRAMS: readonly Program[] = [
  { names: /^(?:r?ba|da|z|k|mk|a|fi|c|tc)?sh(?:-[\d.]+)?$/, find: (args) => interpreter(args, SHELL) },
  { names: /^(?:python|pypy)[\d.]*t?$/, find: (args) => interpreter(args, PYTHON) },
  { names: /^(?:node(?:js)?\d*|ts-node|tsx)$/, find: (args) => interpreter(args, NODE) },
  { names: /^(?:deno|bun)$/, find: (args) => behindWord(args, NODE) },
  // The first argument names a package or a program, which is fetched and run.
  { names: /^(?:npx|bunx|pnpx|uvx|pipx)$/, find: (args) => behindWord(args, PACKAGE) },
  {
    names: /^(?:rscript|julia)$/,
    find: (args) => interpreter(args, { code: /^(?:-[eE]|--(?:eval|print)=?)/ }),
  },
  { names: /^(?:tclsh|wish|expect)[\d.]*$/, find: (args) => interpreter(args, { code: /^-c/ }) },
  { names: /^r$/, isWord: true, find: (args) => behindFlag(args, /^(?:-[ef]|--file=?)/, true) },
  {
    names: /^(?:n?vim?|vimdiff|view|ex)$/,
    isWord: true,
    find: (args) => behindFlag(args, /^(?:\+|-[cSsu]|--cmd)/, false),
  },
  {
    names: /^emacs(?:client)?$/,
    isWord: true,
    find: (args) => behindFlag(args, /^(?:-[fle]|--(?:eval|execute|funcall|load)=?)/, false),
  },
  { names: /^perl[\d.]*$/, find: (args) => interpreter(args, PERL) },
  { names: /^ruby[\d.]*$/, find: (args) => interpreter(args, RUBY) },
  { names: /^php[\d.]*$/, find: (args) => interpreter(args, PHP) },
  { names: /^(?:lua(?:jit)?[\d.]*|osascript)$/, find: (args) => interpreter(args, LUA) },
  { names: /^[gmn]?awk$/, hasFile: true, find: (args) => interpreter(args, AWK) },
  { names: /^g?sed$/, hasFile: true, find: (args) => interpreter(args, SED) },
  { names: /^jq$/, hasFile: true, find: (args) => interpreter(args, JQ) },
  // The shell at the other end runs all that follows the host, put together to one text.
  { names: /^(?:ssh|rsh|mosh)$/, find: remote },
  { names: /^(?:scp|sftp)$/, find: (args) => behindFlag(args, /^-[A-Za-z0-9]*?[oFSD]/, false) },
  { names: /^sqlite3$/, find: (args) => behindFirst(args, /^-(?:cmd|init|separator|newline|nullvalue)$/) },
  {
    names: /^psql$/,
    hasFile: true,
    find: (args) => behindFlag(args, /^(?:-[aAbeEHlnqsStwWxXz01]*[cf]|--(?:command|file)=?)/, true),
  },
  {
    names: /^(?:mysql|mariadb)$/,
    find: (args) => behindFlag(args, /^(?:-[ABbCEfGHijLNnqrstUvwXV]*e|--execute=?|--init-command=?)/, true),
  },
  {
    names: /^(?:su|runuser)$/,
    isWord: true,
    find: (args) => behindFlag(args, /^(?:-c|--(?:session-)?command=?)/, true),
  },
  { names: /^git$/, isWord: true, find: git },
  {
    names: /^g?tar$/,
    isWord: true,
    find: (args) =>
      behindFlag(
        args,
        /^(?:-[AcdrtuxajJzZkmOpPSsvwlhiUWBMRno]*[IF]|--(?:checkpoint-action|use-compress-program|to-command|(?:info|new-volume)-script|rmt-command|rsh-command)=?)/,
        false,
      ),
  },
  {
    names: /^rsync$/,
    isWord: true,
    find: (args) => behindFlag(args, /^(?:-[A-Za-z]*?e|--rsh=?|--rsync-path=?)/, false),
  },
  {
    names: /^(?:flock|script)$/,
    isWord: true,
    find: (args) => behindFlag(args, /^(?:-[a-z]*c|--command=?)/, false),
  },
  { names: /^(?:npm|pnpm|yarn)$/, isWord: true, find: packages },
  // make expands $(shell ...) in variables, and hands what it expanded to a shell.
  {
    names: /^(?:g?make|watch|tmux|screen|at|batch|cmd|powershell|pwsh)$/,
    hasFile: true,
    isWord: true,
    find: everything,
  },
];

/** All up to the code, or to the name of the script, is written as it is; what follows is data. */
function interpreter(args: readonly string[], flags: Flags): Found {
  const code: number[] = [];
  const found = (isCode: boolean, named = 0): Found => {
    return { code, readsCode: isCode, takesArguments: true, named };
  };
  let hasCode = false;
  let isNext = false;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    const flag = flags.code.exec(arg)?.[0];
    if (arg === "--" && hasCode && !isNext) return found(false);
    if (flags.held?.test(arg)) continue;
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
      // A shell takes the next one for the name that its code goes by.
      if (flags.isLast) return found(false, at + 2);
      isNext = false;
    } else {
      if (hasCode) return found(false);
      code.push(at);
      return found(flags.readsData !== true && (arg === "-" || arg === "/dev/stdin"));
    }
  }
  return found(!hasCode && flags.readsData !== true);
}

/** Behind a subcommand such as `run`. */
function behindWord(args: readonly string[], flags: Flags): Found {
  const [word = ""] = args;
  if (!/^(?:run|exec|x|test|serve|watch|repl|eval)$/.test(word)) return interpreter(args, flags);
  const { code, ...found } = interpreter(args.slice(1), flags);
  return { ...found, code: code.map((at) => at + 1) };
}

/** The host, and what the shell there runs: where that ends with a shell, it runs what comes by stdin. */
function remote(args: readonly string[]): Found {
  let host = 0;
  while (isOption(args[host] ?? "")) host += /^-[BbcDEeFIiJLlmOoPpQRSWw]$/.test(args[host] ?? "") ? 2 : 1;
  const options = behindFlag(args.slice(0, host), /^-[oFJ]/, false).code;
  const code = [...options, ...[...args.keys()].slice(host + 1)];
  const isShell = /(?:^|[\s;&|/])(?:(?:ba|da|z|k|a|c)?sh|python3?|node|perl|ruby|php)(?:\s+-s?)?\s*$/.test(
    args.join(" "),
  );
  return { ...NOTHING, code, readsCode: isShell || host + 1 >= args.length };
}

/** A package is named, or its program, or code for a shell. */
const PACKAGE: Flags = {
  code: /^(?:-c|--call=?)/,
  valued: /^(?:-p|--(?:package|from|spec|with|python))$/,
  readsData: true,
};
const PACKAGES_VALUED =
  /^(?:-[wCF]|--(?:prefix|workspace|cwd|dir|filter|userconfig|cache|registry|loglevel))$/;

/** Subcommands that fetch a package and run it; the others run what package.json says. */
function packages(args: readonly string[]): Found {
  let word = 0;
  while (isOption(args[word] ?? "")) word += PACKAGES_VALUED.test(args[word] ?? "") ? 2 : 1;
  if (!/^(?:exec|x|dlx|init|create|innit)$/.test(args[word] ?? "")) return NOTHING;
  const behind = word + 1;
  const { code, ...found } = interpreter(args.slice(behind), PACKAGE);
  // Also behind the package, up to a double dash, it is npm's own.
  const end = args.indexOf("--");
  const called = behindFlag(end < 0 ? args : args.slice(0, end), PACKAGE.code, false).code;
  return { ...found, code: [...code.map((at) => at + behind), ...called] };
}

/** Options of git and of its subcommands that run a program, and subcommands that hand all that follows to a shell. */
function git(args: readonly string[]): Found {
  let word = 0;
  while (isOption(args[word] ?? "")) word += GIT_VALUED.test(args[word] ?? "") ? 2 : 1;
  const [name = "", ...rest] = args.slice(word);
  const isShell =
    /^(?:filter-branch|difftool|mergetool)$/.test(name) ||
    (name === "submodule" && rest.includes("foreach")) ||
    (name === "bisect" && rest[0] === "run");
  const all = behindFlag(args.slice(0, word), /^(?:-c|--(?:config-env|exec-path)=?)/, false).code;
  const own = isShell ? [...rest.keys()] : behindFlag(rest, GIT_RUNS[name] ?? GIT_RUNS_ANY, false).code;
  return { ...NOTHING, code: [...all, ...own.map((at) => word + 1 + at)] };
}

const GIT_VALUED = /^(?:-[cC]|--(?:config-env|git-dir|work-tree|namespace|exec-path))$/;
const GIT_RUNS_ANY = /^--(?:upload-pack|receive-pack|exec)=?/;
/** In others -c, -u and -x mean something else: `switch -c`, `push -u`, `cherry-pick -x`. */
const GIT_RUNS: Readonly<Record<string, RegExp>> = {
  clone: /^(?:-[lsnqv]*[uc]|--(?:upload-pack|config)=?)/,
  rebase: /^(?:-[ifkmnpqrv]*x|--exec=?)/,
};

/** All but the first argument that is no flag, a host or a database; where nothing follows that, what is read is code. */
function behindFirst(args: readonly string[], valued: RegExp): Found {
  let first = 0;
  while (isOption(args[first] ?? "")) first += valued.test(args[first] ?? "") ? 2 : 1;
  const code = [...args.keys()].filter((at) => at !== first);
  return { code, readsCode: first + 1 >= args.length, takesArguments: false, named: 0 };
}

const NOTHING: Found = { code: [], readsCode: false, takesArguments: false, named: 0 };

/** What follows a flag, wherever it stands. */
function behindFlag(args: readonly string[], flag: RegExp, isReader: boolean): Found {
  const code = [...args.entries()].flatMap(([at, arg]) => {
    const found = flag.exec(arg)?.[0];
    if (found === undefined) return [];
    return found === arg ? [at + 1] : [at];
  });
  return { code, readsCode: isReader && code.length === 0, takesArguments: false, named: 0 };
}

function everything(args: readonly string[]): Found {
  return { code: [...args.keys()], readsCode: args.every(isOption), takesArguments: false, named: 0 };
}

/** A dash alone stands for stdin. */
export function isOption(arg: string): boolean {
  return /^[-+]./.test(arg);
}
