import { existsSync, readFileSync } from "node:fs";
import type { ContentType, Read, Scheme } from "../scheme.ts";
import { encodeBody } from "../schemes/sign-webhook.ts";
import { giveId } from "./give-id.ts";
import { samplesOf } from "./samples.ts";

/** What a provider would send, before it is signed. */
export interface Sample {
  readonly body: Uint8Array;
  readonly contentType: ContentType;
  /** For the header that holds the type; null where nobody said one. */
  readonly type: string | null;
}

/**
 * The delivery that a word on the command line stands for: an event of the samples, or else a file; without a word the
 * first sample.
 *
 * @param id the sample's; a file is sent as it is
 * @param event the file's; a sample has its own
 * @throws {Error} neither a sample nor a file, or an event for what has one
 */
export function deliveryOf(
  provider: string,
  scheme: Scheme,
  { word, id, event: given }: { word: string | undefined; id: string; event: string | undefined },
): Sample {
  const samples = samplesOf(provider, scheme);
  const [first] = samples.keys();
  const event = word ?? first;
  const known =
    samples.size === 0 ? "there are no samples of it" : `its samples are ${[...samples.keys()].join(", ")}`;
  if (event === undefined) throw new Error(`Cannot send for ${provider} without a file: ${known}`);
  const sample = samples.get(event);
  if (sample !== undefined && given !== undefined) {
    throw new Error(
      `Cannot send the sample ${event} as ${JSON.stringify(given)}: --event is for a file of your own`,
    );
  }
  if (sample !== undefined) {
    giveId(sample, scheme, id);
    return { ...encodeBody(Object(sample), scheme), type: headerType(scheme.type, event) };
  }
  const type = given === undefined ? null : headerType(scheme.type, given);
  if (existsSync(event)) return { ...read(event, scheme), type };
  throw new Error(`Cannot send ${JSON.stringify(event)} for ${provider}: it is no file, and ${known}`);
}

/** Standard input, or a file, as a body of the scheme's first content type that it can be. */
export function contentTypeOf(
  body: Uint8Array,
  { contentTypes = ["application/json"] }: Scheme,
): ContentType {
  const [first = "application/json"] = contentTypes;
  const json = contentTypes.find((one) => one.endsWith("json"));
  return json !== undefined && isJson(body) ? json : first;
}

function read(path: string, scheme: Scheme): Omit<Sample, "type"> {
  const body = readFileSync(path);
  const contentType = contentTypeOf(body, scheme);
  const [first] = scheme.contentTypes ?? [];
  // A form written down as JSON is easier to read, and means its fields.
  if (first === FORM && contentType !== FORM) return encodeBody(Object(JSON.parse(body.toString())), scheme);
  return { body, contentType };
}

const FORM: ContentType = "application/x-www-form-urlencoded";

/** Of `pull_request.opened` GitHub's header has the first half, and the body the second. */
function headerType(type: Read | undefined, event: string): string {
  const isJoined = typeof type === "object" && !Array.isArray(type) && "join" in type;
  return isJoined ? event.replace(/\..*$/s, "") : event;
}

function isJson(body: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return true;
  } catch {
    return false;
  }
}
