import fc from "fast-check";
import type { Draft } from "./deliveries.ts";

/** What a header may hold once it is a `Headers`. */
const value = fc.string({
  unit: fc
    .integer({ min: 0x20, max: 0xff })
    .filter((code) => code !== 0x7f)
    .map((code) => String.fromCharCode(code)),
  maxLength: 40,
});
const name = fc.constantFrom(
  "content-type",
  "content-encoding",
  "content-length",
  "idempotency-key",
  "prefer",
  "x-signature",
  "x-acme-mac",
  "x-hub-mac",
  "x-delivery",
  "x-kind",
  "origin",
  "authorization",
  "x-forwarded-for",
  "x-other",
  "user-agent",
);
const text = fc.oneof(
  value,
  fc.constantFrom(
    "application/json",
    "gzip",
    "a, b",
    '"k"',
    "https://example.org",
    "0",
    "9999999999",
    "; charset=latin1",
  ),
);
const at = fc.nat();

/** One thing that goes wrong, or is done on purpose, on a request's way. */
export type Fault = (draft: Draft) => Draft;
export const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc
    .tuple(at, fc.integer({ min: 1, max: 255 }))
    .map(([place, bits]) => withBody((body) => flip(body, place, bits))),
  at.map((place) => withBody((body) => body.slice(0, place % (body.length + 1)))),
  fc.uint8Array({ maxLength: 600 }).map((more) => withBody((body) => Uint8Array.from([...body, ...more]))),
  at.map((place) => withHeaders((all) => all.toSpliced(place % (all.length + 1), 1))),
  at.map((place) => withHeaders((all) => [...all, ...all.slice(place % (all.length + 1)).slice(0, 1)])),
  fc.tuple(name, text).map(([key, given]) => withHeaders((all) => [...all, [key, given] as const])),
  fc
    .tuple(at, value, value)
    .map(([place, before, after]) =>
      withHeaders((all) =>
        all.map(([key, own], index) => [key, index === place % all.length ? before + own + after : own]),
      ),
    ),
  fc
    .constantFrom("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "post")
    .map((method) => (draft: Draft) => ({ ...draft, method })),
  fc
    .tuple(at, fc.constantFrom("%2e", "//", "/../", ";", "?", "#", "é", "\\", "x", "?webhook_id=a", ""))
    .map(([place, put]) => (draft: Draft) => {
      const start = place % (draft.path.length + 1);
      return { ...draft, path: draft.path.slice(0, start) + put + draft.path.slice(start) };
    }),
);

function withBody(change: (body: Draft["body"]) => Draft["body"]): Fault {
  return (draft) => ({ ...draft, body: change(draft.body) });
}

function withHeaders(change: (headers: Draft["headers"]) => Draft["headers"]): Fault {
  return (draft) => ({ ...draft, headers: change(draft.headers) });
}

function flip(body: Draft["body"], place: number, bits: number): Draft["body"] {
  const changed = Uint8Array.from(body);
  if (changed.length > 0) changed[place % changed.length] = (changed[place % changed.length] ?? 0) ^ bits;
  return changed;
}
