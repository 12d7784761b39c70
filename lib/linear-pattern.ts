/** A regular expression that takes time in proportion to the text, whatever the text and the expression. */
export interface LinearPattern {
  /**
   * True where it matches anywhere in the text.
   *
   * @param pay told of the work as it is done, in places looked at; may throw to stop it
   */
  test(text: string, pay: (places: number) => void): boolean;
}

/** The longest expression, in characters, and the largest, with its counted repetitions written out. */
export const PATTERN_CHARACTERS_MAX = 1_000;
export const PATTERN_PLACES_MAX = 1_000;
const DEPTH_MAX = 50;

/**
 * Reads RE2's syntax as far as it tells whether a text matches: literals, `.`, classes, `\d \w \s \b`, `^ $`, groups,
 * `|`, `* + ? {n,m}`, lazy or not, and `(?i)` at the start (ASCII letters).
 *
 * It is run as a set of places that move on together, one character at a time (Thompson, 1968), so no text makes it go
 * back. What needs going back, as references and looking around do, is refused.
 *
 * @throws {TypeError} an expression that is not understood or too large, in a few words with the place
 */
export function compileLinearPattern(source: string): LinearPattern {
  if (source.length > PATTERN_CHARACTERS_MAX) {
    throw new TypeError(`it has ${source.length} characters; at most ${PATTERN_CHARACTERS_MAX} are allowed`);
  }
  const ignoresCase = source.startsWith("(?i)");
  const piece = new PatternReader(source, ignoresCase ? "(?i)".length : 0, ignoresCase).read();
  const program: Instruction[] = [];
  emit(piece, program);
  program.push({ kind: "match" });
  return { test: (text, pay) => run(program, text, pay) };
}

/** Characters as pairs of the first and the last code point. */
type Ranges = readonly (readonly [number, number])[];

type Assertion = "start" | "end" | "boundary" | "inside";

type Piece =
  | { readonly kind: "one"; readonly has: (codePoint: number) => boolean }
  | { readonly kind: "assert"; readonly assertion: Assertion }
  | { readonly kind: "all"; readonly parts: readonly Piece[] }
  | { readonly kind: "any"; readonly parts: readonly Piece[] }
  | { readonly kind: "repeat"; readonly part: Piece; readonly min: number; readonly max: number };

type Instruction =
  | { readonly kind: "one"; readonly has: (codePoint: number) => boolean }
  | { readonly kind: "assert"; readonly assertion: Assertion }
  | { readonly kind: "fork"; to: readonly number[] }
  | { readonly kind: "match" };

function run(program: readonly Instruction[], text: string, pay: (places: number) => void): boolean {
  let here: number[] = [];
  let next: number[] = [];
  const marks = new Uint32Array(program.length);
  const pending: number[] = [];
  let before = -1;
  let round = 0;
  for (let at = 0; ; ) {
    const codePoint = text.codePointAt(at) ?? -1;
    round++;
    // The whole is tried from each character on, beside what began earlier.
    const starts = here;
    here = [];
    let looked = 1;
    for (const start of [...starts, 0]) {
      pending.push(start);
      for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
        looked++;
        if (marks[place] === round) continue;
        marks[place] = round;
        const instruction = program[place];
        if (instruction?.kind === "one") here.push(place);
        else if (instruction?.kind === "fork") pending.push(...instruction.to);
        else if (instruction?.kind === "assert") {
          if (holds(instruction.assertion, before, codePoint)) pending.push(place + 1);
        } else return true;
      }
    }
    pay(looked);
    if (codePoint === -1) return false;
    next = [];
    for (const place of here) {
      const instruction = program[place];
      if (instruction?.kind === "one" && instruction.has(codePoint)) next.push(place + 1);
    }
    here = next;
    before = codePoint;
    at += codePoint > 0xffff ? 2 : 1;
  }
}

function holds(assertion: Assertion, before: number, after: number): boolean {
  if (assertion === "start") return before === -1;
  if (assertion === "end") return after === -1;
  const isBoundary = isWord(before) !== isWord(after);
  return assertion === "boundary" ? isBoundary : !isBoundary;
}

function isWord(codePoint: number): boolean {
  return WORD.some(([first, last]) => codePoint >= first && codePoint <= last);
}

function emit(piece: Piece, program: Instruction[]): void {
  if (program.length >= PATTERN_PLACES_MAX) {
    throw new TypeError(
      `it is too large with its repetitions: at most ${PATTERN_PLACES_MAX} places are allowed`,
    );
  }
  if (piece.kind === "one" || piece.kind === "assert") program.push(piece);
  else if (piece.kind === "all") for (const part of piece.parts) emit(part, program);
  else if (piece.kind === "any") emitAny(piece.parts, program);
  else emitRepeat(piece, program);
}

function emitAny(parts: readonly Piece[], program: Instruction[]): void {
  const fork = pushFork(program);
  const starts: number[] = [];
  const exits: { to: readonly number[] }[] = [];
  for (const part of parts) {
    starts.push(program.length);
    emit(part, program);
    exits.push(pushFork(program));
  }
  fork.to = starts;
  for (const exit of exits) exit.to = [program.length];
}

function emitRepeat({ part, min, max }: Piece & { kind: "repeat" }, program: Instruction[]): void {
  for (let count = 0; count < min; count++) {
    const before = program.length;
    emit(part, program);
    if (program.length === before) return; // nothing, however often
  }
  if (max === Number.POSITIVE_INFINITY) {
    const start = program.length;
    const fork = pushFork(program);
    emit(part, program);
    pushFork(program).to = [start];
    fork.to = [start + 1, program.length];
    return;
  }
  const forks: [fork: { to: readonly number[] }, inside: number][] = [];
  for (let count = min; count < max; count++) {
    const fork = pushFork(program);
    forks.push([fork, program.length]);
    emit(part, program);
  }
  for (const [fork, inside] of forks) fork.to = [inside, program.length];
}

function pushFork(program: Instruction[]): { to: readonly number[] } {
  const fork: Instruction = { kind: "fork", to: [] };
  program.push(fork);
  return fork;
}

const DIGIT: Ranges = [[0x30, 0x39]];
const WORD: Ranges = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
/** RE2's `\s`: tab, line feed, form feed, carriage return, space. */
const SPACE: Ranges = [
  [0x09, 0x0a],
  [0x0c, 0x0d],
  [0x20, 0x20],
];
const LINE_FEED: Ranges = [[0x0a, 0x0a]];

const CLASSES: ReadonlyMap<string, Ranges> = new Map([
  ["d", DIGIT],
  ["w", WORD],
  ["s", SPACE],
  ["D", except(DIGIT)],
  ["W", except(WORD)],
  ["S", except(SPACE)],
]);
const CONTROLS: ReadonlyMap<string, number> = new Map([
  ["n", 0x0a],
  ["r", 0x0d],
  ["t", 0x09],
  ["f", 0x0c],
  ["v", 0x0b],
]);

function except(ranges: Ranges): Ranges {
  const rest: [number, number][] = [];
  let from = 0;
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (first > from) rest.push([from, first - 1]);
    from = Math.max(from, last + 1);
  }
  if (from <= 0x10ffff) rest.push([from, 0x10ffff]);
  return rest;
}

/** Lower and upper case letters of ASCII are 0x20 apart. */
function inBothCases(ranges: Ranges): Ranges {
  const overlap = ([first, last]: readonly [number, number], from: number, to: number, by: number) =>
    first <= to && last >= from ? [[Math.max(first, from) + by, Math.min(last, to) + by] as const] : [];
  return ranges.flatMap((range) => [
    range,
    ...overlap(range, 0x41, 0x5a, 0x20),
    ...overlap(range, 0x61, 0x7a, -0x20),
  ]);
}

function oneOf(ranges: Ranges): Piece {
  const ascii = Array.from({ length: 128 }, (_, code) => ranges.some(([a, b]) => code >= a && code <= b));
  const others = ranges.filter(([, last]) => last >= 128);
  return {
    kind: "one",
    has: (code) => (code < 128 ? ascii[code] === true : others.some(([a, b]) => code >= a && code <= b)),
  };
}

class PatternReader {
  readonly #characters: readonly string[];
  readonly #ignoresCase: boolean;
  #at: number;
  #depth = 0;

  constructor(source: string, at: number, ignoresCase: boolean) {
    this.#characters = Array.from(source);
    this.#at = at;
    this.#ignoresCase = ignoresCase;
  }

  read(): Piece {
    const piece = this.#readAny();
    if (this.#peek() === ")") throw this.#fault('")" closes nothing');
    return piece;
  }

  #readAny(): Piece {
    if (++this.#depth > DEPTH_MAX) throw this.#fault(`groups stand in each other over ${DEPTH_MAX} deep`);
    const parts = [this.#readAll()];
    while (this.#take("|")) parts.push(this.#readAll());
    this.#depth--;
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : { kind: "any", parts };
  }

  #readAll(): Piece {
    const parts: Piece[] = [];
    for (let next = this.#peek(); next !== undefined && next !== "|" && next !== ")"; next = this.#peek()) {
      parts.push(this.#readRepeated());
    }
    return { kind: "all", parts };
  }

  #readRepeated(): Piece {
    const part = this.#readOne();
    const [min, max] = this.#readCount() ?? [];
    if (min === undefined || max === undefined) return part;
    if (part.kind === "assert") throw this.#fault("nothing to repeat: a place in the text has no length");
    this.#take("?"); // lazy or not, the same texts match
    if (["*", "+", "?", "{"].includes(this.#peek() ?? "")) {
      throw this.#fault("a repetition cannot be repeated; put a group around it");
    }
    return { kind: "repeat", part, min, max };
  }

  #readCount(): readonly [number, number] | null {
    if (this.#take("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.#take("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.#take("?")) return [0, 1];
    if (!this.#take("{")) return null;
    const min = this.#readNumber();
    let max = min;
    if (this.#take(",")) max = this.#peek() === "}" ? Number.POSITIVE_INFINITY : this.#readNumber();
    if (!this.#take("}")) throw this.#fault("give a count such as {2}, {2,} or {2,5}, or \\{ for a brace");
    if (max < min) throw this.#fault("a count ends below its start");
    return [min, max];
  }

  #readNumber(): number {
    let digits = "";
    while (/^[0-9]$/.test(this.#peek() ?? "") && digits.length < 5) digits += this.#next();
    if (digits === "") throw this.#fault("give a count such as {2}, {2,} or {2,5}, or \\{ for a brace");
    return Number(digits);
  }

  #readOne(): Piece {
    const character = this.#next();
    if (character === "(") return this.#readGroup();
    if (character === "[") return this.#readClass();
    if (character === ".") return oneOf(except(LINE_FEED));
    if (character === "^") return { kind: "assert", assertion: "start" };
    if (character === "$") return { kind: "assert", assertion: "end" };
    if (character === "\\" && this.#take("b")) return { kind: "assert", assertion: "boundary" };
    if (character === "\\" && this.#take("B")) return { kind: "assert", assertion: "inside" };
    if (character === "\\") return this.#one(this.#readEscape());
    if (["*", "+", "?", "{"].includes(character)) throw this.#fault(`"${character}" repeats nothing`);
    return this.#one(single(character));
  }

  #readGroup(): Piece {
    if (this.#take("?") && !this.#take(":")) {
      throw this.#fault("only (?:...) may follow; looking around, names and flags inside are not understood");
    }
    const piece = this.#readAny();
    if (!this.#take(")")) throw this.#fault('a group is not closed by ")"');
    return piece;
  }

  #readClass(): Piece {
    const isNegated = this.#take("^");
    const ranges: (readonly [number, number])[] = [];
    for (let isFirst = true; isFirst || this.#peek() !== "]"; isFirst = false) {
      if (this.#peek() === undefined) throw this.#fault('a class is not closed by "]"');
      if (this.#peek() === "[" && this.#characters[this.#at + 1] === ":") {
        throw this.#fault("classes by name, such as [:alpha:], are not understood");
      }
      const first = this.#readMember();
      const isRange = this.#peek() === "-" && ![undefined, "]"].includes(this.#characters[this.#at + 1]);
      if (!isRange) {
        ranges.push(...first);
        continue;
      }
      this.#next();
      const [from, to] = [onlyOf(first), onlyOf(this.#readMember())];
      if (from === null || to === null || to < from)
        throw this.#fault("a range in a class has no start and end");
      ranges.push([from, to]);
    }
    this.#next();
    const folded = this.#ignoresCase ? inBothCases(ranges) : ranges;
    return oneOf(isNegated ? except(folded) : folded);
  }

  #readMember(): Ranges {
    const character = this.#next();
    return character === "\\" ? this.#readEscape() : single(character);
  }

  #readEscape(): Ranges {
    const character = this.#peek();
    if (character === undefined) throw this.#fault('"\\" stands at the end');
    this.#next();
    const control = CONTROLS.get(character);
    if (control !== undefined) return [[control, control]];
    const named = CLASSES.get(character);
    if (named !== undefined) return named;
    if (/^[A-Za-z0-9]$/.test(character)) throw this.#fault(`"\\${character}" is not understood`);
    return single(character);
  }

  #one(ranges: Ranges): Piece {
    return oneOf(this.#ignoresCase ? inBothCases(ranges) : ranges);
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #next(): string {
    return this.#characters[this.#at++] ?? "";
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }

  #fault(detail: string): TypeError {
    return new TypeError(`${detail}, at its character ${Math.max(1, this.#at)}`);
  }
}

function single(character: string): Ranges {
  const codePoint = character.codePointAt(0) ?? 0;
  return [[codePoint, codePoint]];
}

function onlyOf(ranges: Ranges): number | null {
  const [range] = ranges;
  return ranges.length === 1 && range !== undefined && range[0] === range[1] ? range[0] : null;
}
