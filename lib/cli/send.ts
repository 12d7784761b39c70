import { randomUUID } from "node:crypto";
import type { Writable } from "node:stream";
import { messageOf } from "../errors.ts";
import type { Scheme } from "../scheme.ts";
import { signatureHeaders } from "../verify/families.ts";
import type { Sent, Unsigned } from "../verify/sign.ts";
import { TOLERANCE_MS } from "../verify/timestamp.ts";
import { readArguments } from "./arguments.ts";
import { type Command, type Terminal, UsageError } from "./command.ts";
import { deliveryOf } from "./delivery-of.ts";
import { escapeControls } from "./program-log.ts";
import { type KnownProvider, providerOf } from "./provider-of.ts";
import { signFor } from "./signing.ts";

/** Shown of an answer, in characters. */
const ANSWER_MAX = 2_000;
const TIMEOUT_MS = 30_000;
const REPEAT_MAX = 10_000;

/** Signs a delivery as a provider does and posts it. */
export const send: Command = {
  summary: "sign a sample, or a file, as a provider does and post it",
  usage: `send PROVIDER [EVENT|FILE] [options]

  EVENT               one of the provider's samples, such as push; the first one otherwise
  FILE                a body of your own
  --url URL           where to; http://127.0.0.1:7862/webhooks/PROVIDER otherwise, with the server's HOST and PORT
  --id ID             the delivery's id; a new one otherwise
  --event EVENT       the type that a FILE is sent with, where the provider has it in a header
  --repeat N          post it N times, each time with the same id and a new signature
  --corrupt           change the body after it was signed: the answer should be 401
  --old               sign with a time that is too old: the answer should be 401
  --secret-file FILE  a secret other than the server's, or a private key

The secret is WEBHOOK_SECRET_{PROVIDER}, as the server reads it. The exit code is 0 where the answers are what they
should be: a success, or with --corrupt and --old a refusal.`,
  async run(args, terminal) {
    const given = readArguments(args, OPTIONS, 2);
    const [name, word] = given.words;
    if (name === undefined) throw new UsageError("Cannot send for nobody: name a provider, such as github");
    const provider = providerOf(name, terminal.env);
    const id = given.text("id") ?? randomUUID();
    const sample = deliveryOf(name, provider.scheme, { word, id, event: given.text("event") });
    const times = timesOf(given.text("repeat"));
    const url = urlOf(given.text("url"), name, terminal);
    const isRefusalWanted = given.has("corrupt") || given.has("old");
    const ageMs = given.has("old") ? ageOf(provider) : 0;
    let isAsWanted = true;
    for (let time = 0; time < times; time++) {
      const unsigned: Unsigned = {
        ...sample,
        method: "POST",
        url: signedUrl(provider, url),
        at: Date.now() - ageMs,
        id,
      };
      const sent = signFor(provider, unsigned, given.text("secret-file"));
      const status = await post(
        url,
        given.has("corrupt") ? corrupted(sent, provider.scheme) : sent,
        terminal,
      );
      isAsWanted &&= isRefusalWanted ? status === 401 : status >= 200 && status < 300;
    }
    if (isRefusalWanted) {
      terminal.stderr.write(
        isAsWanted ? "refused, as it should be\n" : "not refused with 401, and it should be\n",
      );
    }
    return isAsWanted ? 0 : 1;
  },
};

const OPTIONS = {
  url: "string",
  id: "string",
  event: "string",
  repeat: "string",
  corrupt: "boolean",
  old: "boolean",
  "secret-file": "string",
} as const;

/** @returns the answer's status; 0 where there was none */
async function post(
  url: URL,
  { headers, body }: Sent,
  { stdout, stderr, signal }: Terminal,
): Promise<number> {
  const started = performance.now();
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers,
      body: Buffer.from(body),
      redirect: "manual",
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const text = await answer.text();
    showAnswer(stdout, answer.status, Math.round(performance.now() - started), text);
    return answer.status;
  } catch (error) {
    const cause =
      error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    stderr.write(`Cannot reach ${url.origin} (${escapeControls(cause)}): is the server running there?\n`);
    return 0;
  }
}

function showAnswer(stdout: Writable, status: number, ms: number, text: string): void {
  const shown = text.length > ANSWER_MAX ? `${text.slice(0, ANSWER_MAX)}...` : text;
  stdout.write(`${status} in ${ms} ms${shown === "" ? "" : ` ${escapeControls(shown)}`}\n`);
}

function timesOf(text: string | undefined): number {
  const times = text === undefined ? 1 : Number(text);
  if (Number.isInteger(times) && times >= 1 && times <= REPEAT_MAX) return times;
  throw new UsageError(`Cannot use --repeat ${text}: give a number from 1 to ${REPEAT_MAX}`);
}

function urlOf(text: string | undefined, name: string, { env }: Terminal): URL {
  const host = env.HOST === undefined || /^(?:|0\.0\.0\.0|::)$/.test(env.HOST) ? "127.0.0.1" : env.HOST;
  const origin = `http://${host.includes(":") ? `[${host}]` : host}:${env.PORT || 7862}`;
  const url = text ?? `${origin}/webhooks/${name}`;
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return new URL(url);
  throw new UsageError(`Cannot use --url ${url}: give http:// or https://, a host and a path`);
}

/** The URL that the server believes was called: its public one, where it has one. */
function signedUrl({ publicUrl }: KnownProvider, url: URL): string {
  return publicUrl === null ? url.href : publicUrl + url.pathname + url.search;
}

/** A minute more than the provider allows. */
function ageOf({ name, scheme }: KnownProvider): number {
  const { timestamp }: Scheme = scheme;
  if (timestamp === undefined) throw new Error(`Cannot send an old delivery of ${name}: it signs no time`);
  return (timestamp.toleranceMs ?? TOLERANCE_MS) + 60_000;
}

/** One more space changes the bytes and not what they say. Where they are not signed, what is sent as proof changes. */
function corrupted({ headers, body }: Sent, { algorithm, signature }: Scheme): Sent {
  if (signature.body !== undefined) {
    const text = Buffer.from(body)
      .toString()
      .replace(MAC, (mac) => mac.replace(/[0-9a-f]/, flipped));
    return { headers, body: Buffer.from(text) };
  }
  if (algorithm !== "token") return { headers, body: Buffer.concat([body, Buffer.from(" ")]) };
  const [name = ""] = signatureHeaders({ signature });
  return { headers: { ...headers, [name]: `${headers[name]}-corrupted` }, body };
}

const MAC = /"[0-9a-f]{64}"/;

function flipped(digit: string): string {
  return digit === "0" ? "1" : "0";
}
