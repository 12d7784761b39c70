import { type Fault, WebhookError } from "../errors.ts";
import type { PageQuery } from "../repositories.ts";

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;

/** Date, time and offset, as RFC 3339 section 5.6 has them. */
const INSTANT = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** A list's query: the page, and the filters that it was given. */
export interface ListQuery<F extends string> {
  page: PageQuery;
  filters: Readonly<Record<F, string | null>>;
}

/**
 * The query of a list.
 *
 * @param names the filters that this list has, besides `since`, `until`, `limit` and `cursor`
 * @param words of a filter that takes only some
 * @throws {WebhookError} `query_invalid` with one fault a parameter: unknown, given twice, empty, or of another form
 */
export function parseListQuery<F extends string>(
  search: URLSearchParams,
  names: readonly F[],
  words: Readonly<Record<string, readonly string[]>> = {},
): ListQuery<F> {
  const faults = checkNames(search, [...names, "since", "until", "limit", "cursor"]);
  const page = {
    since: parseInstant(search, "since", faults),
    until: parseInstant(search, "until", faults),
    limit: parseLimit(search.get("limit"), faults),
    cursor: search.get("cursor"),
  };
  for (const name of names) checkWord(search, name, words[name], faults);
  return { page, filters: filtersOf(search, names, faults) };
}

/**
 * The query of a list that has no pages: filters, and nothing else.
 *
 * @throws {WebhookError} `query_invalid`, as `parseListQuery`
 */
export function parseFilters<F extends string>(
  search: URLSearchParams,
  names: readonly F[],
): ListQuery<F>["filters"] {
  return filtersOf(search, names, checkNames(search, names));
}

function checkNames(search: URLSearchParams, known: readonly string[]): Fault[] {
  const faults: Fault[] = [];
  for (const name of new Set(search.keys())) {
    const pointer = `/${name.slice(0, 100).replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (!known.includes(name)) faults.push({ pointer, detail: `is unknown; known are ${known.join(", ")}` });
    else if (search.getAll(name).length > 1) faults.push({ pointer, detail: "is given twice" });
    else if (search.get(name) === "") faults.push({ pointer, detail: "is empty; leave it out" });
  }
  return faults;
}

function filtersOf<F extends string>(
  search: URLSearchParams,
  names: readonly F[],
  faults: readonly Fault[],
): ListQuery<F>["filters"] {
  if (faults.length > 0) {
    throw new WebhookError("query_invalid", "Cannot answer this query: its parameters do not fit", {
      faults,
    });
  }
  return Object.fromEntries(names.map((name) => [name, search.get(name)])) as Record<F, string | null>;
}

function checkWord(
  search: URLSearchParams,
  name: string,
  words: readonly string[] | undefined,
  faults: Fault[],
): void {
  const text = search.get(name);
  if (words === undefined || text === null || text === "" || words.includes(text)) return;
  faults.push({ pointer: `/${name}`, detail: `must be one of ${words.join(", ")}` });
}

function parseInstant(search: URLSearchParams, name: string, faults: Fault[]): number | null {
  const text = search.get(name);
  if (text === null || text === "") return null;
  const ms = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(ms) && isDay(text.slice(0, 10))) return ms;
  faults.push({ pointer: `/${name}`, detail: "must be a time such as 2026-01-31T12:00:00Z" });
  return null;
}

/** `Date.parse` takes 30 February for 2 March. */
function isDay(date: string): boolean {
  return new Date(Date.parse(date)).toISOString().startsWith(date);
}

function parseLimit(text: string | null, faults: Fault[]): number {
  if (text === null || text === "") return LIMIT_DEFAULT;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIMIT_MAX) return limit;
  faults.push({ pointer: "/limit", detail: `must be a number from 1 to ${LIMIT_MAX}` });
  return LIMIT_DEFAULT;
}
