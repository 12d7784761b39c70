import * as v from "valibot";
import { BODIES_BYTES_MAX } from "../http/body-budget.ts";
import type { Scheme } from "../scheme.ts";

/**
 * A scheme that a user gave, checked part by part and copied, so that later changes to the record change nothing.
 *
 * @param name the provider it was given for
 * @throws {TypeError} the first part that is wrong, with what to give
 */
export function checkScheme(name: string, value: unknown): Scheme {
  const result = v.safeParse(SCHEME, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  const place = path === null ? `schemes.${name}` : `schemes.${name}.${path}`;
  throw new TypeError(`Cannot use ${place}: ${issue.message}`);
}

/** Credentials are never stored, and an id or a type is. */
const CREDENTIAL_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
]);

/** A header's name, RFC 9110, in lower case. */
const headerName = v.pipe(
  v.string("give a header's name"),
  v.regex(/^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/, "give a header's name in lower case"),
);

const storedHeaderName = v.pipe(
  headerName,
  v.check((name) => !CREDENTIAL_HEADERS.has(name), "this header is a credential and is never stored"),
);

const bodyPath = v.pipe(
  v.string("give a path into the body, such as event.id"),
  v.regex(/^[^.]{1,128}(\.[^.]{1,128}){0,15}$/, "give names with dots between them, such as event.id"),
);

/** Where a value of the delivery stands: signed in the body, or unsigned in a header. */
const place = v.union(
  [v.strictObject({ body: bodyPath }), v.strictObject({ header: storedHeaderName })],
  'give { body: "event.id" } or { header: "x-event-id" } (in lower case, no credential)',
);

const SCHEME = v.pipe(
  v.strictObject(
    {
      algorithm: v.picklist(
        ["hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"],
        "give hmac-sha1, hmac-sha256, hmac-sha384 or hmac-sha512",
      ),
      signature: v.strictObject(
        {
          header: headerName,
          prefix: v.exactOptional(
            v.pipe(
              v.string("give text such as sha256="),
              // White space at its start would be trimmed off the header, and a comma would let two headers pass.
              v.regex(/^[!-+\--~]{1,64}$/, "give visible ASCII without commas, such as sha256="),
            ),
          ),
          prefixOptional: v.exactOptional(v.boolean("give true or false")),
          encoding: v.picklist(["hex", "base64"], "give hex or base64"),
        },
        "give { header, encoding } and, where there is one, prefix and prefixOptional",
      ),
      id: v.exactOptional(place),
      type: v.exactOptional(place),
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
      contentTypes: v.exactOptional(
        v.pipe(
          v.array(v.picklist(["application/json"], "give application/json"), "give a list"),
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
    },
    "give { algorithm, signature } and, where they are known, id, type, answer, contentTypes, bodyBytesMax",
  ),
  v.check(
    ({ signature, id, type }) =>
      [id, type].every((from) => !(from && "header" in from) || from.header !== signature.header),
    "the signature's header cannot be the id or the type, which are stored",
  ),
);
