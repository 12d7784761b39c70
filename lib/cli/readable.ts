/** How much of a value is shown. */
export interface ReadableOptions {
  /** Longer texts are cut. */
  textMax: number;
  /** Whether errors show their stack. */
  hasStacks: boolean;
}

const DEPTH_MAX = 5;
const ENTRIES_MAX = 50;
const VALUES_MAX = 500;

interface Budget extends ReadableOptions {
  /** Values that may still be shown: five levels of fifty entries each would take seconds. */
  left: number;
}

/**
 * Any value as plain JSON for a log line: cycles, BigInts, functions, getters that throw and `toJSON` can't hurt it.
 *
 * @returns something `JSON.stringify` takes; an error as `{name, message, code?, cause?, stack?}`
 */
export function readable(value: unknown, options: ReadableOptions): unknown {
  return show(value, { ...options, left: VALUES_MAX }, []);
}

function show(value: unknown, options: Budget, parents: readonly object[]): unknown {
  options.left--;
  if (typeof value === "string") return cut(value, options.textMax);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "bigint") return cut(String(value), options.textMax);
  if (value === null || value === undefined || typeof value === "boolean") return value;
  if (typeof value !== "object") return `[${typeof value}]`;
  if (parents.includes(value)) return "[cycle]";
  if (parents.length >= DEPTH_MAX || options.left <= 0) return "[more]";
  try {
    return showObject(value, options, [...parents, value]);
  } catch {
    return "[unreadable]";
  }
}

function showObject(value: object, options: Budget, parents: readonly object[]): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof URL) return cut(value.href, options.textMax);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Error) return showError(value, options, parents);
  if (value instanceof Map || value instanceof Set) return show([...value], options, parents);
  if (Array.isArray(value)) {
    const items = value.slice(0, ENTRIES_MAX).map((item) => show(item, options, parents));
    return value.length > ENTRIES_MAX ? [...items, `[${value.length - ENTRIES_MAX} more]`] : items;
  }
  const names = Object.keys(value);
  const shown = names.slice(0, ENTRIES_MAX).map((name) => {
    return [cut(name, options.textMax), showField(value, name, options, parents)] as const;
  });
  if (names.length > ENTRIES_MAX) shown.push(["...", `[${names.length - ENTRIES_MAX} more]`]);
  return Object.fromEntries(shown);
}

/** One field whose getter throws must not hide the others. */
function showField(value: object, name: string, options: Budget, parents: readonly object[]): unknown {
  try {
    return show((value as Record<string, unknown>)[name], options, parents);
  } catch {
    return "[unreadable]";
  }
}

function showError(error: Error, options: Budget, parents: readonly object[]): unknown {
  const field = (name: string): unknown => showField(error, name, options, parents);
  return {
    name: field("name"),
    message: field("message"),
    ...("code" in error ? { code: field("code") } : {}),
    ...(error.cause === undefined ? {} : { cause: field("cause") }),
    ...(error instanceof AggregateError ? { errors: field("errors") } : {}),
    ...(options.hasStacks ? { stack: field("stack") } : {}),
  };
}

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}[${text.length - max} more]` : text;
}
