import * as v from "valibot";
import { BODIES_BYTES_MAX } from "../http/body-budget.ts";
import type { Read, Scheme, Signed } from "../scheme.ts";
import { secretHeaders } from "../verify/families.ts";
import { headersOf } from "../verify/read.ts";
import { SchemeCheck } from "../verify/scheme-check.ts";
import { handshakes, isMacSafe } from "./check-handshakes.ts";
import { bodyPath, headerName } from "./check-places.ts";

/**
 * A scheme that a user gave, checked part by part and copied, so that later changes to the record change nothing.
 *
 * @param name the provider it was given for
 * @throws {TypeError} the first part that is wrong, with what to give
 */
export function checkScheme(name: string, value: unknown): Scheme {
  const result = v.safeParse(SCHEME, value);
  if (!result.success) {
    const [issue] = result.issues;
    const path = v.getDotPath(issue);
    const place = path === null ? `schemes.${name}` : `schemes.${name}.${path}`;
    throw new TypeError(`Cannot use ${place}: ${issue.message}`);
  }
  try {
    // Reads the template, which says what is wrong with it.
    new SchemeCheck(result.output, []);
  } catch (error) {
    if (error instanceof TypeError)
      throw new TypeError(`Cannot use schemes.${name}.signed: ${error.message}`);
    throw error;
  }
  return result.output;
}

/** Credentials are never stored, and an id or a type is. */
const CREDENTIAL_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
]);

const storedHeaderName = v.pipe(
  headerName,
  v.check((name) => !CREDENTIAL_HEADERS.has(name), "this header is a credential and is never stored"),
);

const bodyPlace = v.strictObject({ body: bodyPath });
const headerPlace = v.strictObject({ header: storedHeaderName });

const place = v.union(
  [
    bodyPlace,
    headerPlace,
    v.strictObject({ bodyKeyBut: v.array(v.string()) }),
    v.strictObject({ hash: v.literal("body") }),
  ],
  'give { body: "event.id" }, { header: "x-event-id" } (in lower case, no credential), { hash: "body" } or { bodyKeyBut: [] }',
);

/** How deep lists of places stand in each other. */
const READ_LEVELS_MAX = 4;

const readFrom = (level: number): v.GenericSchema<Read> =>
  v.union(
    [
      place,
      v.strictObject({ join: v.pipe(v.array(place), v.minLength(1)) }),
      v.custom<Read & ((body: unknown) => string | null)>((value) => typeof value === "function"),
      ...(level < READ_LEVELS_MAX
        ? [v.pipe(v.array(v.lazy(() => readFrom(level + 1))), v.minLength(1))]
        : []),
    ],
    'give { body: "event.id" } or { header: "x-event-id" } (in lower case, no credential), { join: [...] }, a list of such, or a function',
  ) as v.GenericSchema<Read>;

const algorithm = v.picklist(
  ["hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512", "ed25519", "ecdsa-p256-sha256", "token"],
  "give hmac-sha256, hmac-sha1, hmac-sha384, hmac-sha512, ed25519, ecdsa-p256-sha256 or token",
);

/** One or two characters that no entry's key has. */
const divider = v.pipe(v.string("give text"), v.regex(/^[^\w"]{1,2}$/, 'give a character such as ","'));

const parts = v.strictObject(
  {
    separator: divider,
    assign: divider,
    key: v.union(
      [
        v.pipe(v.string(), v.regex(/^[\w.-]{1,32}$/)),
        v.pipe(
          v.record(v.pipe(v.string(), v.regex(/^[\w.-]{1,32}$/)), algorithm),
          v.minEntries(1, "give one or more"),
        ),
      ],
      'give the key of the signatures, such as "v1", or { v1: "hmac-sha256", v1a: "ed25519" }',
    ),
  },
  'give { separator, assign, key } such as { separator: ",", assign: "=", key: "v1" }',
);

const SIGNATURE = "give { header, encoding } and, where there are, parts, prefix and prefixOptional";

const signature = v.pipe(
  v.strictObject(
    {
      header: v.exactOptional(
        v.union([headerName, v.pipe(v.array(headerName), v.minLength(1))], (issue) =>
          typeof issue.input === "string" ? "give a header's name in lower case" : "give a header's name",
        ),
      ),
      body: v.exactOptional(bodyPath),
      parts: v.exactOptional(parts),
      prefix: v.exactOptional(
        v.pipe(
          v.string("give text such as sha256="),
          // White space at its start would be trimmed off the header, and a comma would let two headers pass.
          v.regex(/^[!-+\--~](?:[ !-+\--~]{0,63})$/, "give visible ASCII without commas, such as sha256="),
        ),
      ),
      prefixOptional: v.exactOptional(v.boolean("give true or false")),
      encoding: v.picklist(["hex", "base64", "text"], "give hex or base64, or text for a token"),
    },
    SIGNATURE,
  ),
  v.check(({ header, body }) => (header === undefined) !== (body === undefined), SIGNATURE),
);

const TOLERANCE_MS_MAX = 7 * 86_400_000;

const timestamp = v.strictObject(
  {
    from: v.union(
      [headerPlace, bodyPlace, v.strictObject({ part: v.pipe(v.string(), v.regex(/^[\w.-]{1,32}$/)) })],
      'give { header: "x-timestamp" }, { part: "t" } or { body: "sent_at" }',
    ),
    unit: v.picklist(["s", "ms", "rfc3339"], "give s, ms or rfc3339"),
    toleranceMs: v.exactOptional(
      v.pipe(
        v.number("give milliseconds"),
        v.integer("give whole milliseconds"),
        v.minValue(1_000, "give 1000 (a second) or more"),
        v.maxValue(TOLERANCE_MS_MAX, `give at most ${TOLERANCE_MS_MAX} (a week)`),
      ),
    ),
  },
  "give { from, unit } and, where it is not 5 minutes, toleranceMs",
);

const signedFunction = v.custom<Signed>(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    Array.isArray(Reflect.get(value, "of")) &&
    typeof Reflect.get(value, "contents") === "function",
);

const SCHEME: v.GenericSchema<unknown, Scheme> = v.pipe(
  v.strictObject(
    {
      algorithm,
      signature,
      key: v.exactOptional(v.picklist(["text", "whsec", "hex", "spki"], "give text, whsec, hex or spki")),
      signed: v.exactOptional(
        v.union(
          [v.pipe(v.string(), v.maxLength(256)), signedFunction],
          "give a template such as {timestamp}.{body}, or { of, contents }",
        ),
      ),
      timestamp: v.exactOptional(timestamp),
      families: v.exactOptional(
        v.pipe(
          v.array(v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,32}$/)), "give a list of prefixes"),
          v.minLength(2, 'give two or more, such as ["webhook-", "svix-"]'),
        ),
      ),
      constants: v.exactOptional(v.record(headerName, v.string("give the header's only value"))),
      forSecrets: v.exactOptional(
        v.strictObject(
          {
            prefix: v.pipe(v.string("give text such as whsec_"), v.minLength(1, "give text such as whsec_")),
            scheme: v.lazy(() => SCHEME),
          },
          "give { prefix, scheme }",
        ),
      ),
      id: v.exactOptional(readFrom(0)),
      type: v.exactOptional(readFrom(0)),
      replayGuard: v.exactOptional(
        v.union(
          [v.picklist(["body", "body+type", "none"]), bodyPlace],
          'give "body", "body+type", "none", or a place in the body whose values count once, such as { body: "token" }',
        ),
      ),
      answer: v.exactOptional(
        v.pipe(
          v.strictObject(
            {
              status: v.picklist([200, 202, 204], "give 200, 202 or 204"),
              body: v.exactOptional(v.picklist(["json", "empty"], "give json or empty")),
            },
            "give { status } and, where it matters, body",
          ),
          v.check(({ status, body }) => status !== 204 || body !== "json", "204 has no body"),
        ),
      ),
      refusal: v.exactOptional(v.literal("empty", "give empty, or leave it out")),
      contentTypes: v.exactOptional(
        v.pipe(
          v.array(
            v.picklist(
              ["application/json", "application/cloudevents+json", "application/x-www-form-urlencoded"],
              "give application/json, application/cloudevents+json or application/x-www-form-urlencoded",
            ),
            "give a list",
          ),
          v.minLength(1, "give one or more, or leave it out"),
        ),
      ),
      bodyBytesMax: v.exactOptional(
        v.pipe(
          v.number("give a number of bytes"),
          v.integer("give a whole number of bytes"),
          v.minValue(1, "give 1 or more"),
          v.maxValue(BODIES_BYTES_MAX, `give at most ${BODIES_BYTES_MAX}, what all bodies share`),
        ),
      ),
      handshakes: v.exactOptional(handshakes),
      secretKeys: v.exactOptional(v.array(v.string("give a key of the body"), "give a list of keys")),
    },
    "give { algorithm, signature } and, where they are known, id, type, timestamp, signed, answer and the rest",
  ),
  v.check(
    (scheme) =>
      [scheme.id, scheme.type].flatMap(headersOf).every((name) => !secretHeaders(scheme).includes(name)),
    "the signature's header cannot be the id or the type, which are stored",
  ),
  v.check(
    ({ algorithm, signature }) => (algorithm === "token") === (signature.encoding === "text"),
    'the encoding "text" belongs to the algorithm "token", and the others need hex or base64',
  ),
  v.check(
    ({ algorithm, key = "text" }) =>
      key === "whsec" || (key === "text") === (algorithm === "token" || algorithm.startsWith("hmac-")),
    'a public key needs key: "hex" or "spki", and no other algorithm does',
  ),
  v.check(
    (scheme) => isMacSafe(scheme),
    "a mac-body handshake needs an HMAC with a text key over a template with text such as v0: in it, or it would sign deliveries",
  ),
  v.check(
    ({ signed, timestamp }) =>
      typeof signed !== "string" || !signed.includes("{timestamp}") || timestamp !== undefined,
    "{timestamp} in signed needs timestamp: { from, unit }",
  ),
  v.check(
    ({ algorithm, key }) => key !== "hex" || algorithm === "ed25519",
    'a key in hex is one of Ed25519: a key for ECDSA needs key: "spki"',
  ),
  v.check(
    ({ signed = "{body}", timestamp }) =>
      timestamp === undefined ||
      "body" in timestamp.from ||
      (typeof signed === "string" ? signed.includes("{timestamp}") : signed.of.includes("timestamp")),
    "a time that is not signed proves nothing: put {timestamp} into signed, or leave timestamp out",
  ),
  v.check(
    ({ signature, timestamp }) =>
      timestamp === undefined || !("part" in timestamp.from) || signature.parts !== undefined,
    "timestamp.from: { part } needs signature.parts",
  ),
);
