import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Duration, parseDuration } from "../../../lib/duration.ts";
import { WebhookError } from "../../../lib/errors.ts";
import { checkContentType } from "../../../lib/http/content-type.ts";
import { parseWaitSeconds } from "../../../lib/http/prefer.ts";
import { parseListQuery } from "../../../lib/http/query.ts";
import { encodeText } from "../../../lib/json.ts";
import { JSON_LEVELS_MAX, parseJson } from "../../../lib/parse-json.ts";
import { anyText, bent, holds, outcomeOf } from "./holds.ts";

const test = suite("faults/fuzz/parsers");

const token = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/);
const space = fc.constantFrom("", " ", "\t", "  ");

/** Levels of lists and objects in a value. */
function levelsOf(value: unknown): number {
  let levels = 0;
  let layer: unknown[] = [value];
  for (;;) {
    layer = layer.filter((one) => typeof one === "object" && one !== null);
    if (layer.length === 0) return levels;
    levels++;
    layer = layer.flatMap((one) => Object.values(one as object));
  }
}

test("JSON is what the platform's own parser makes of it, up to 200 levels", () => {
  const count = fc.oneof(fc.nat({ max: 20 }), fc.integer({ min: 190, max: 210 }));
  const pair = fc.constantFrom<[string, string]>(["[", "]"], ['{"[":', "}"], ['["\\\\\\"{",', "]"]);
  // Texts full of brackets, and of what might be taken for a text's end.
  const sly = fc
    .tuple(fc.constantFrom("", '"', "\\", '\\"', '"\\'), count)
    .map(([end, depth]) => JSON.stringify(end + "[".repeat(depth)));
  const wrapped = fc.tuple(fc.oneof(fc.json({ maxDepth: 3 }), sly), pair, count);
  return holds(
    fc.property(wrapped, ([json, [open, close], depth]) => {
      const text = open.repeat(depth) + json + close.repeat(depth);
      const { value, error } = outcomeOf(() => parseJson(encodeText(text)));
      const expected: unknown = JSON.parse(text);
      if (levelsOf(expected) > JSON_LEVELS_MAX) assert.is((error as WebhookError).code, "json_too_deep");
      else assert.equal(value, expected);
    }),
    1_000,
  );
});

test("bytes are JSON exactly where they are UTF-8 and a parser takes them, and no error quotes them", () => {
  const json = fc.json().map((text) => encodeText(text));
  const bytes = fc
    .tuple(
      fc.oneof(json, fc.uint8Array({ maxLength: 60 })),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }),
      fc.nat(),
    )
    .map(([given, flips, cut]) => {
      const changed = Uint8Array.from(given);
      for (const [at, byte] of flips) if (changed.length > 0) changed[at % changed.length] = byte;
      return cut % 3 === 0 ? changed.subarray(0, cut % (changed.length + 1)) : changed;
    });
  return holds(
    fc.property(bytes, (given) => {
      const text = Buffer.from(given).toString("utf8");
      const expected = outcomeOf(() => JSON.parse(text) as unknown);
      const isUtf8 = Buffer.from(text, "utf8").equals(given);
      const { value, error } = outcomeOf(() => parseJson(given));
      if (isUtf8 && expected.error === undefined) return assert.equal(value, expected.value);
      assert.instance(error, WebhookError);
      assert.is((error as WebhookError).code, "json_invalid");
      if (text.length > 8) assert.not.ok(`${error?.message} ${String(error?.cause)}`.includes(text));
    }),
    3_000,
  );
});

test("a wait is read wherever it stands among other preferences, whatever these hold", () => {
  const other = token.filter((name) => name.toLowerCase() !== "wait");
  const quoted = fc
    .oneof(fc.string(), fc.constantFrom("wait=5", ", wait=5", "a; b", '"'))
    .map((text) => `"${text.replace(/["\\]/g, "\\$&")}"`);
  const pair = (name: fc.Arbitrary<string>) =>
    fc
      .tuple(name, space, space, fc.option(fc.oneof(token, quoted)))
      .map(([key, a, b, value]) => (value === null ? key : `${key}${a}=${b}${value}`));
  const parameters = fc
    .array(pair(token), { maxLength: 2 })
    .map((all) => all.map((one) => `; ${one}`).join(""));
  const preference = fc.tuple(pair(other), parameters).map((parts) => parts.join(""));
  const list = fc.array(preference, { maxLength: 3 });
  const name = fc.constantFrom("wait", "Wait", "WAIT");
  return holds(
    fc.property(
      list,
      list,
      name,
      space,
      fc.nat({ max: 200 }),
      fc.boolean(),
      parameters,
      space,
      (before, after, word, gap, seconds, isQuoted, more, around) => {
        const wait = `${word}${gap}=${gap}${isQuoted ? `"${seconds}"` : seconds}${more}`;
        const joined = (parts: string[]) => parts.join(`${around},${around}`);
        const expected = seconds === 0 ? null : Math.min(seconds, 60);
        assert.is(parseWaitSeconds(joined([...before, wait, ...after])), expected);
        assert.is(parseWaitSeconds(joined([...before, wait, ...after, "wait=7"])), expected); // the first counts
        assert.is(parseWaitSeconds(joined([...before, ...after])), null);
      },
    ),
    1_000,
  );
});

test("whatever stands in Prefer, it waits 1 to 60 whole seconds or not at all", () =>
  holds(
    fc.property(
      bent(fc.constantFrom("wait=10", "respond-async, wait=10", 'foo="a\\", b"; c, wait="10"'), anyText),
      (header) => {
        const seconds = parseWaitSeconds(header);
        assert.ok(
          seconds === null || (Number.isInteger(seconds) && seconds >= 1 && seconds <= 60),
          String(seconds),
        );
        if (seconds !== null) assert.match(header, /wait/i);
      },
    ),
    3_000,
  ));

test("a duration is a whole number of milliseconds up to ten years, or refused with what to give", () => {
  const units = [
    ["ms", 1],
    ["s", 1_000],
    ["m", 60_000],
    ["h", 3_600_000],
    ["d", 86_400_000],
  ] as const;
  const spelled = fc
    .tuple(fc.nat({ max: 99_999 }), fc.option(fc.nat({ max: 999 })), fc.constantFrom(...units))
    .map(([whole, fraction, [unit, ms]]) => ({
      text: `${whole}${fraction === null ? "" : `.${String(fraction).padStart(3, "0")}`}${unit}`,
      ms: Math.round((whole + (fraction ?? 0) / 1_000) * ms),
    }));
  const max = 3_650 * 86_400_000;
  return holds(
    fc.property(
      spelled,
      fc.oneof(
        bent(
          spelled.map(({ text }) => text),
          anyText,
        ),
        fc.double(),
        fc.anything(),
      ),
      ({ text, ms }, odd) => {
        const read = outcomeOf(() => parseDuration(text as Duration));
        if (ms > max) assert.instance(read.error, TypeError);
        // A millisecond of tolerance: decimal fractions are no binary ones.
        else assert.ok(Math.abs((read.value ?? Number.NaN) - ms) <= 1, `${text} is ${read.value}, not ${ms}`);
        const { value, error } = outcomeOf(() => parseDuration(odd as Duration, "timeout"));
        if (error !== undefined) {
          assert.instance(error, TypeError);
          return assert.match(error.message, /^Cannot use .* as timeout: give /s);
        }
        assert.ok(Number.isInteger(value) && value >= 0 && value <= max, String(value));
        assert.ok(typeof odd === "number" || /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(String(odd)), String(odd));
      },
    ),
    3_000,
  );
});

test("a list's query is a page and filters, or refused with a pointer to each parameter and no value", () => {
  const names = ["status", "event_id"] as const;
  const words = { status: ["queued", "failed"] };
  const instant = fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true });
  const good = fc.record(
    {
      status: fc.constantFrom(...words.status),
      event_id: fc.string({ minLength: 1 }),
      since: instant,
      until: instant,
      limit: fc.integer({ min: 1, max: 200 }),
      cursor: fc.string({ minLength: 1 }),
    },
    { requiredKeys: [] },
  );
  const odd = fc.array(
    fc.tuple(
      fc.oneof(fc.constantFrom("status", "since", "limit", "cursor", "~/", "__proto__"), fc.string()),
      fc.oneof(
        anyText,
        fc.constantFrom(
          "0",
          "201",
          "1e2",
          "2026-02-30T00:00:00Z",
          "2026-01-01T24:00:00Z",
          "2026-01-01T00:00:60Z",
          "queued",
        ),
      ),
    ),
  );
  return holds(
    fc.property(good, odd, (fields, pairs) => {
      const search = new URLSearchParams();
      for (const [name, value] of Object.entries(fields))
        search.set(name, value instanceof Date ? value.toISOString() : String(value));
      const { page, filters } = parseListQuery(search, names, words);
      assert.equal(page, {
        since: fields.since?.getTime() ?? null,
        until: fields.until?.getTime() ?? null,
        limit: fields.limit ?? 50,
        cursor: fields.cursor ?? null,
      });
      assert.equal({ ...filters }, { status: fields.status ?? null, event_id: fields.event_id ?? null });

      for (const [name, value] of pairs) search.append(name, value);
      const { value, error } = outcomeOf(() => parseListQuery(search, names, words));
      if (error === undefined) {
        const known = [...names, "since", "until", "limit", "cursor"];
        assert.ok([...search.keys()].every((name) => (known as string[]).includes(name)));
        assert.is(new Set(search.keys()).size, [...search.keys()].length);
        assert.ok(value.page.limit >= 1 && value.page.limit <= 200);
        for (const at of [value.page.since, value.page.until])
          assert.ok(at === null || Number.isInteger(at), String(at));
        return;
      }
      assert.instance(error, WebhookError);
      const { code, faults } = error as WebhookError;
      assert.is(code, "query_invalid");
      assert.ok(faults.length > 0);
      for (const { pointer, detail } of faults)
        assert.ok(pointer.startsWith("/") && /^(is|must be) /.test(detail), detail);
    }),
    1_000,
  );
});

test("a time is taken exactly where its day exists", () =>
  holds(
    fc.property(
      fc.integer({ min: 1970, max: 2100 }),
      fc.nat({ max: 13 }),
      fc.nat({ max: 32 }),
      fc.nat({ max: 23 }),
      (year, month, day, hour) => {
        const two = (part: number) => String(part).padStart(2, "0");
        const text = `${year}-${two(month)}-${two(day)}T${two(hour)}:00:00Z`;
        const date = new Date(Date.UTC(year, month - 1, day, hour));
        const isDay = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
        const { value } = outcomeOf(() => parseListQuery(new URLSearchParams({ since: text }), []));
        assert.is(value?.page.since, isDay ? date.getTime() : undefined, text);
      },
    ),
    2_000,
  ));

test("a content type passes only as JSON in UTF-8 and without an encoding", () => {
  const type = bent(
    fc.constantFrom(
      "application/json",
      'Application/JSON; charset="UTF-8"',
      "application/json;charset=utf-8;v=1",
    ),
    fc.oneof(anyText, fc.constantFrom(";", ",", "charset=latin1", "=")),
  );
  const encoding = fc.option(fc.constantFrom("identity", "gzip", "Identity ", "identity, gzip", ""));
  return holds(
    fc.property(type, encoding, (given, coding) => {
      const values: Readonly<Record<string, string | null>> = {
        "content-type": given,
        "content-encoding": coding,
      };
      const headers = { get: (name: string) => values[name] ?? null, has: () => true, keys: () => [] };
      const { error } = outcomeOf(() => checkContentType(headers, ["application/json"]));
      if (error !== undefined) {
        assert.instance(error, WebhookError);
        return assert.match((error as WebhookError).code, /^content_(type|encoding)$/);
      }
      assert.match(given, /^\s*application\/json\s*(;|$)/i);
      assert.not.ok(given.includes(","), given);
      for (const [, charset = ""] of given.matchAll(/;\s*charset\s*=([^;]*)/gi))
        assert.match(charset.trim(), /^"?utf-8"?$/i);
      assert.ok(coding === null || coding.trim().toLowerCase() === "identity", String(coding));
    }),
    3_000,
  );
});

test.run();
