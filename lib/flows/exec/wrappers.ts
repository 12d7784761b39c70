import { isOption } from "./programs.ts";

/** What a program runs that runs another one: where in its arguments that may stand. */
export interface Wrapped {
  /** Places of programs, and of all that could become one; counted from the first argument. */
  readonly programs: readonly number[];
  /** True where no program is named, and a shell runs that reads stdin. */
  readonly isShell: boolean;
  /** True where any argument may be code. */
  readonly isCode: boolean;
}

interface Wrapper {
  readonly names: RegExp;
  /** Flags that a value follows. */
  readonly valued?: RegExp;
  /** How many arguments stand before the program, such as the seconds of `timeout`. */
  readonly operands?: number;
  /** True where without a program a shell is started. */
  readonly hasShell?: boolean;
}

/** Their program is the first argument that is no flag, no assignment and no operand. */
const WRAPPERS: readonly Wrapper[] = [
  { names: /^env$/, valued: /^(?:-[uC]|--unset|--chdir)$/ },
  { names: /^(?:nohup|setsid|busybox|toybox|catchsegv|unbuffer)$/ },
  { names: /^(?:nice|g?time)$/, valued: /^(?:-[nfo]|--(?:adjustment|format|output))$/ },
  { names: /^g?timeout$/, valued: /^(?:-[ks]|--kill-after|--signal)$/, operands: 1 },
  { names: /^(?:stdbuf|ionice)$/, valued: /^(?:-[ioecnpPu]|--(?:input|output|error|class|classdata))$/ },
  { names: /^(?:chrt|taskset)$/, operands: 1 },
  { names: /^flock$/, valued: /^(?:-[wE]|--(?:wait|timeout|conflict-exit-code))$/, operands: 1 },
  {
    names: /^xargs$/,
    valued: /^(?:-[InPLdEas]|--(?:arg-file|delimiter|max-args|max-procs|max-chars|process-slot-var))$/,
  },
  { names: /^(?:gosu|su-exec|runcon)$/, operands: 1 },
  {
    names: /^setpriv$/,
    valued:
      /^--(?:(?:re?|e)?[ug]id|groups|inh-caps|ambient-caps|bounding-set|securebits|pdeathsig|selinux-label|apparmor-profile)$/,
  },
  { names: /^chroot$/, operands: 1, hasShell: true },
  {
    names: /^(?:unshare|nsenter)$/,
    valued: /^(?:-[tSGRw]|--(?:target|setuid|setgid|root|wd|map-users?|map-groups?))$/,
    hasShell: true,
  },
  {
    names: /^(?:sudo|doas)$/,
    valued:
      /^(?:-[ughpCrtTUDR]|--(?:user|group|host|prompt|chdir|chroot|close-from|command-timeout|type|role|other-user))$/,
    hasShell: true,
  },
];

/** They take a program, too, but among arguments of their own that only they can tell apart. */
const OTHERS = /^(?:find|docker|podman|kubectl|nerdctl|systemd-run|su|runuser|ssh)$/;

/**
 * The program that another one runs.
 *
 * @returns null where it runs none
 */
export function wrappedBy(name: string, args: readonly string[]): Wrapped | null {
  if (name === "find") return { ...NOTHING, programs: behindExec(args) };
  // With an entrypoint of their own, what follows the image are the arguments of that.
  if (OTHERS.test(name)) return { ...NOTHING, isCode: args.some((arg) => /^--entrypoint(?:=|$)/.test(arg)) };
  const wrapper = WRAPPERS.find(({ names }) => names.test(name));
  return wrapper === undefined ? null : behind(wrapper, args);
}

const NOTHING: Wrapped = { programs: [], isShell: false, isCode: false };

function behindExec(args: readonly string[]): number[] {
  return [...args.entries()].flatMap(([at, arg]) => (/^-(?:exec|ok)(?:dir)?$/.test(arg) ? [at + 1] : []));
}

function behind({ valued, operands = 0, hasShell = false }: Wrapper, args: readonly string[]): Wrapped {
  let left = operands;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (valued?.test(arg)) at += 1;
    else if (isOption(arg) || /^[A-Za-z_]\w*=/.test(arg)) continue;
    else if (left > 0) left -= 1;
    else return { ...NOTHING, programs: [at] };
  }
  return { ...NOTHING, isShell: hasShell };
}
