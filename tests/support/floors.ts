import { isBuiltin } from "node:module";
import { posix } from "node:path";

/** What package.json says about the packages that an import may name. */
export interface Packages {
  /** Its own name, by which workflow files import it. */
  self: string;
  dependencies: readonly string[];
  /** Peers that may be missing, so that only `import()` may ask for them. */
  optionalPeers: readonly string[];
}

/** One import of a file: `import`, `import type`, `export ... from`, `import()`. */
export interface Import {
  specifier: string;
  isDynamic: boolean;
}

/** The stair, as CONTRIBUTING.md shows it. A file imports from its own room and from the floors below. */
const FLOORS: ReadonlyMap<string, number> = new Map([
  ["lib", 0],
  ["lib/verify", 1],
  ["lib/flows", 1],
  ["lib/storage", 1],
  ["lib/http", 1],
  ["lib/listen", 1],
  ["lib/schemes", 2],
  ["lib/workflows", 2],
  ["lib/accept", 3],
  ["lib/handshakes", 3],
  ["lib/runner", 3],
  ["lib/doctor", 3],
  ["routes", 4],
  ["lib/cli", 4],
  ["lib/wiring", 5],
  ["mod.ts", 6],
  ["bin", 7],
]);

/** Examples are copied into other projects, so they stand beside the stair and see the public API alone. */
const WORKFLOWS = "workflows";

/** What else runs on Workers and in a browser's fetch, so it is plain web standard. */
const NODE_FILES =
  /^(lib\/(storage|listen|cli|wiring)\/.+|lib\/workflows\/(load|code|read-.+|folder-host)\.ts|lib\/verify\/(signature|holds|keys|sign)\.ts|lib\/(constant-time|settings|sha256|stray)\.ts|lib\/runner\/(attempt|lease|watchdog|watchdog-thread|run-workflow)\.ts|lib\/http\/forwarded\.ts|lib\/flows\/http\/(call|exchange|resolve-host|unpack)\.ts|lib\/flows\/exec\/run-command\.ts|mod\.ts)$/;

/** Everyone else speaks to `repositories.ts` and does not know which database is behind it. */
const STORAGE_USERS = new Set(["lib/storage", "lib/wiring", "mod.ts"]);

/** Names that say nothing about what is in the file. */
const EMPTY_NAMES = /^(index|utils|types)\.ts$/;
const FILE_NAME = /^[a-z0-9]+(-[a-z0-9]+)*\.ts$/;
/** A workflow's name is its file's; `_` in front keeps a file from being one. */
const WORKFLOW_FILE_NAME = /^_?[a-z0-9][a-z0-9_-]{0,63}\.ts$/;

/**
 * Every break of the house's rules about imports and file names, one line each; empty where the house stands.
 *
 * @param files path from the root, with `/`, to source: `mod.ts`, `lib/**`, `routes/**`, `bin/**`, `workflows/**`
 */
export function findFaults(files: ReadonlyMap<string, string>, packages: Packages): string[] {
  const faults: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [path, source] of files) {
    faults.push(...nameFaults(path));
    const targets: string[] = [];
    for (const found of findImports(source)) {
      const target = targetOf(path, found.specifier, packages);
      if (target !== null && files.has(target)) targets.push(target);
      faults.push(...importFaults(path, found, target, files, packages));
    }
    graph.set(path, targets);
  }
  const cycle = findCycle(graph);
  if (cycle !== null) faults.push(`Imports go round in a circle: ${cycle.join(" > ")}`);
  return faults;
}

/** The imports of a source file; one whose specifier is worked out at run time cannot be read and is left out. */
export function findImports(source: string): Import[] {
  const code = withoutComments(source);
  const statements =
    /(?:^|;)\s*(?:import\s*(?:[\w\s{},*$]+?\bfrom\s*)?|export\s+(?:type\s*)?(?:\*(?:\s*as\s+[\w$]+)?|\{[^}]*\})\s*from\s*)(["'])([^"'\n]+)\1/gm;
  const calls = /\b(?:import|require)\s*\(\s*(["'`])([^"'`\n$]+)\1/g;
  return [
    ...[...code.matchAll(statements)].map((match) => ({ specifier: match[2] ?? "", isDynamic: false })),
    ...[...code.matchAll(calls)].map((match) => ({ specifier: match[2] ?? "", isDynamic: true })),
  ];
}

/** Strings are matched first, so that a `//` inside one begins no comment; a comment leaves a blank. */
function withoutComments(source: string): string {
  return source.replace(
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
    (_, text: string | undefined) => text ?? " ",
  );
}

/** The room of a path: `lib/verify`, `routes`, `lib` for the files of floor 0; null outside of the house. */
function roomOf(path: string): string | null {
  const [first = "", second, third] = path.split("/");
  const room = first === "lib" && third !== undefined ? `lib/${second}` : first;
  return FLOORS.has(room) || room === WORKFLOWS ? room : null;
}

/** The file that an import names; null for a package. */
function targetOf(path: string, specifier: string, packages: Packages): string | null {
  if (specifier === packages.self) return "mod.ts";
  return specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : null;
}

function nameFaults(path: string): string[] {
  const name = posix.basename(path);
  const room = roomOf(path);
  if (room === null) return [`${path} stands on no floor: give its room one in tests/support/floors.ts`];
  if (path.startsWith("lib/") && EMPTY_NAMES.test(name))
    return [`${path} is named after nothing: name it after its main export`];
  const isNamed = (room === WORKFLOWS ? WORKFLOW_FILE_NAME : FILE_NAME).test(name);
  return isNamed ? [] : [`${path} is not named in kebab-case`];
}

function importFaults(
  path: string,
  { specifier, isDynamic }: Import,
  target: string | null,
  files: ReadonlyMap<string, string>,
  packages: Packages,
): string[] {
  const room = roomOf(path);
  if (room === null) return [];
  if (target === null) return packageFaults(path, specifier, isDynamic, packages);
  if (specifier.startsWith(".") && !specifier.endsWith(".ts"))
    return [`${path} imports ${specifier} without .ts at its end`];
  if (!files.has(target)) return [`${path} imports ${specifier}, which is no file of the house`];

  const isSelf = specifier === packages.self;
  if (room === WORKFLOWS) {
    const isOwn = isSelf || roomOf(target) === WORKFLOWS;
    return isOwn
      ? []
      : [`${path} imports ${target}: an example knows only "${packages.self}" and its own folder`];
  }
  if (isSelf)
    return [`${path} imports "${specifier}": inside the house, import from the file that defines the thing`];
  return stairFaults(path, room, target);
}

function stairFaults(path: string, room: string, target: string): string[] {
  const targetRoom = roomOf(target);
  const floor = FLOORS.get(room);
  const targetFloor = targetRoom === null ? undefined : FLOORS.get(targetRoom);
  if (targetRoom === room) return [];
  if (floor === undefined || targetFloor === undefined)
    return [`${path} imports ${target}, which is on no floor`];
  if (targetFloor > floor) {
    return [`${path} (floor ${floor}) climbs: it imports ${target} (floor ${targetFloor})`];
  }
  if (targetFloor === floor) {
    return [
      `${path} imports ${target}: ${room} and ${targetRoom} share floor ${floor} and do not know each other`,
    ];
  }
  if (targetRoom === "lib/storage" && !STORAGE_USERS.has(room)) {
    return [`${path} imports ${target}: only lib/wiring knows which storage is behind lib/repositories.ts`];
  }
  return [];
}

function packageFaults(path: string, specifier: string, isDynamic: boolean, packages: Packages): string[] {
  if (specifier.startsWith("node:")) {
    return NODE_FILES.test(path)
      ? []
      : [`${path} imports ${specifier}, but has to run where there is no Node`];
  }
  if (isBuiltin(specifier)) return [`${path} imports ${specifier} without node: in front`];
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
  if (packages.dependencies.includes(name)) return [];
  if (!packages.optionalPeers.includes(name))
    return [`${path} imports ${name}, which is not in package.json's dependencies`];
  return isDynamic
    ? []
    : [`${path} imports ${name} at once, but it may be missing: only import() may ask for it`];
}

/** One circle of imports, its first file repeated at its end; null where there is none. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const way: string[] = [];
  function visit(path: string): string[] | null {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (done.has(path)) return null;
    way.push(path);
    for (const target of graph.get(path) ?? []) {
      const cycle = visit(target);
      if (cycle !== null) return cycle;
    }
    way.pop();
    done.add(path);
    return null;
  }
  for (const path of graph.keys()) {
    const cycle = visit(path);
    if (cycle !== null) return cycle;
  }
  return null;
}
