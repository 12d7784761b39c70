import * as v from "valibot";
import type { Handshake } from "../handshake.ts";
import type { Scheme } from "../scheme.ts";
import { bodyPath, headerName } from "./check-places.ts";

const parameter = v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/, "give a parameter's name"));

const pattern = {
  // Without a condition every delivery would be a handshake, and be lost.
  when: v.pipe(
    v.record(bodyPath, v.union([v.string(), v.number(), v.pipe(v.array(v.never()), v.readonly())])),
    v.minEntries(1, "give one condition or more"),
  ),
  without: v.exactOptional(v.array(bodyPath)),
};

/** The handshakes of a scheme, each on its own. */
export const handshakes: v.GenericSchema<unknown, readonly Handshake[]> = v.array(
  v.variant(
    "kind",
    [
      v.strictObject({
        kind: v.literal("echo-query"),
        challenge: parameter,
        token: v.exactOptional(parameter),
        constants: v.exactOptional(v.record(parameter, v.string())),
      }),
      v.strictObject({ kind: v.literal("echo-body"), ...pattern, challenge: bodyPath }),
      v.strictObject({
        kind: v.literal("mac-body"),
        ...pattern,
        token: bodyPath,
        answer: v.strictObject({ token: v.string(), mac: v.string() }),
      }),
      v.pipe(
        v.strictObject({
          kind: v.literal("ping"),
          ...pattern,
          status: v.picklist([200, 204], "give 200 or 204"),
          json: v.exactOptional(v.record(v.string(), v.union([v.string(), v.number()]))),
        }),
        v.check(({ status, json }) => status !== 204 || json === undefined, "204 has no body"),
      ),
      v.strictObject({ kind: v.literal("head") }),
      v.strictObject({ kind: v.literal("permission") }),
      v.strictObject({
        kind: v.literal("receive-secret"),
        from: v.union(
          [v.strictObject({ header: headerName }), v.strictObject({ body: bodyPath })],
          'give { header: "x-hook-secret" } in lower case, or { body: "verification_token" }',
        ),
      }),
    ],
    "give a kind (echo-query, echo-body, mac-body, ping, head, permission or receive-secret) and its parts",
  ),
  "give a list of handshakes",
) as v.GenericSchema<unknown, readonly Handshake[]>;

/**
 * True where a MAC that a handshake makes can be no delivery's signature: the key is one that both sides have, and the
 * signed text has a character that no token has.
 */
export function isMacSafe({ algorithm, key, forSecrets, signed, handshakes = [] }: Scheme): boolean {
  if (!handshakes.some(({ kind }) => kind === "mac-body")) return true;
  const isShared = algorithm.startsWith("hmac-") && (key ?? "text") === "text" && forSecrets === undefined;
  const literal = typeof signed === "string" ? signed.replace(/\{\w+\}/g, "") : "";
  return isShared && /[^\w-]/.test(literal);
}
