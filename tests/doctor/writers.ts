/**
 * JSON as libraries of several languages write it, made from values and not from text. Nothing here knows the doctor.
 */
export interface Writer {
  readonly name: string;
  write(value: unknown): string;
}

/** Whole numbers that a language keeps as floats carry this mark: `10.0` in Python, Go and Java, `10` in JavaScript. */
export class Float {
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }
}

interface Style {
  comma: string;
  colon: string;
  indent: number | "\t" | null;
  text(text: string): string;
  float(number: number): string;
  /** Go's maps and Python's sort_keys. */
  sorted?: boolean;
  end?: string;
  /** Between lines, where there are several. */
  line?: string;
}

export const WRITERS: Readonly<Record<string, Writer>> = Object.fromEntries(
  (
    [
      ["javascript", { comma: ",", colon: ":", indent: null, text: quote, float: String }],
      ["javascript pretty", { comma: ",", colon: ": ", indent: 2, text: quote, float: String }],
      ["javascript pretty 4", { comma: ",", colon: ": ", indent: 4, text: quote, float: String }],
      ["javascript tabs", { comma: ",", colon: ": ", indent: "\t", text: quote, float: String }],
      ["python", { comma: ", ", colon: ": ", indent: null, text: ascii, float: pointed }],
      ["python utf-8", { comma: ", ", colon: ": ", indent: null, text: quote, float: pointed }],
      ["python compact", { comma: ",", colon: ":", indent: null, text: ascii, float: pointed }],
      ["python indent", { comma: ",", colon: ": ", indent: 4, text: ascii, float: pointed }],
      ["php", { comma: ",", colon: ":", indent: null, text: php, float: pointed }],
      ["php unescaped", { comma: ",", colon: ":", indent: null, text: quote, float: pointed }],
      ["php pretty", { comma: ",", colon: ": ", indent: 4, text: php, float: pointed }],
      ["php unicode", { comma: ",", colon: ":", indent: null, text: slashes, float: pointed }],
      ["ruby", { comma: ",", colon: ":", indent: null, text: quote, float: pointed }],
      ["rails", { comma: ",", colon: ":", indent: null, text: html, float: pointed }],
      ["ruby pretty", { comma: ",", colon: ": ", indent: 2, text: quote, float: pointed }],
      ["go struct", { comma: ",", colon: ":", indent: null, text: html, float: String }],
      ["go encoder", { comma: ",", colon: ":", indent: null, text: html, float: String, end: "\n" }],
      ["go map", { comma: ",", colon: ":", indent: null, text: html, float: String, sorted: true }],
      ["go indent", { comma: ",", colon: ": ", indent: 2, text: html, float: String }],
      ["java", { comma: ",", colon: ":", indent: null, text: quote, float: pointed }],
      ["dotnet", { comma: ",", colon: ":", indent: null, text: dotnet, float: String }],
      ["gson", { comma: ",", colon: ":", indent: null, text: gson, float: pointed }],
      ["newtonsoft", { comma: ",", colon: ": ", indent: 2, text: quote, float: pointed, line: "\r\n" }],
      ["swift pretty", { comma: ",", colon: " : ", indent: 2, text: slashes, float: String }],
      ["perl pretty", { comma: ",", colon: " : ", indent: 3, text: quote, float: String, sorted: true }],
      ["jq", { comma: ",", colon: ": ", indent: 2, text: quote, float: pointed, end: "\n" }],
      ["python indent 2", { comma: ",", colon: ": ", indent: 2, text: ascii, float: pointed }],
      ["rust", { comma: ",", colon: ":", indent: null, text: quote, float: pointed }],
    ] as const satisfies readonly (readonly [string, Style])[]
  ).map(([name, style]) => [
    name,
    { name, write: (value: unknown) => print(value, style, 0) + (endOf(style) ?? "") },
  ]),
);

function endOf(style: Style): string | undefined {
  return style.end;
}

function print(value: unknown, style: Style, level: number): string {
  if (value instanceof Float) return style.float(value.number);
  if (typeof value === "string") return style.text(value);
  if (typeof value !== "object" || value === null) return String(value);
  const isList = Array.isArray(value);
  const [open, close] = isList ? ["[", "]"] : ["{", "}"];
  let entries = Object.entries(value);
  if (style.sorted === true && !isList) entries = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return open + close;
  const own = entries.map(
    ([key, inner]) => (isList ? "" : style.text(key) + style.colon) + print(inner, style, level + 1),
  );
  if (style.indent === null) return open + own.join(style.comma) + close;
  const step = style.indent === "\t" ? "\t" : " ".repeat(style.indent);
  const line = style.line ?? "\n";
  const pad = line + step.repeat(level + 1);
  return `${open}${pad}${own.join(`,${pad}`)}${line}${step.repeat(level)}${close}`;
}

function pointed(number: number): string {
  return Number.isInteger(number) ? `${number}.0` : String(number);
}

function each(text: string, spell: (unit: string, code: number) => string): string {
  let out = "";
  for (let at = 0; at < text.length; at++) out += spell(text.charAt(at), text.charCodeAt(at));
  return `"${out}"`;
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\t": "\\t",
  "\r": "\\r",
};

function hex(code: number, isUpper = false): string {
  const digits = code.toString(16).padStart(4, "0");
  return `\\u${isUpper ? digits.toUpperCase() : digits}`;
}

function quote(text: string): string {
  return each(text, (unit, code) => SHORT[unit] ?? (code < 32 ? hex(code) : unit));
}

function ascii(text: string): string {
  return each(text, (unit, code) => SHORT[unit] ?? (code < 32 || code > 126 ? hex(code) : unit));
}

function php(text: string): string {
  return each(
    text,
    (unit, code) => SHORT[unit] ?? (unit === "/" ? "\\/" : code < 32 || code > 127 ? hex(code) : unit),
  );
}

function slashes(text: string): string {
  return each(text, (unit, code) => SHORT[unit] ?? (unit === "/" ? "\\/" : code < 32 ? hex(code) : unit));
}

function html(text: string): string {
  return each(text, (unit, code) => SHORT[unit] ?? ("<>&".includes(unit) || code < 32 ? hex(code) : unit));
}

function gson(text: string): string {
  return each(text, (unit, code) => SHORT[unit] ?? ("<>&='".includes(unit) || code < 32 ? hex(code) : unit));
}

function dotnet(text: string): string {
  return each(text, (unit, code) => {
    if ("\"<>&'+`".includes(unit) || code > 126) return hex(code, true);
    return SHORT[unit] ?? (code < 32 ? hex(code, true) : unit);
  });
}
