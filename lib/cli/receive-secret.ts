import type { Answer } from "../answer.ts";
import { setLongTimer, systemClock, type Timer } from "../clock.ts";
import { type Duration, parseDuration } from "../duration.ts";
import { messageOf, WebhookError } from "../errors.ts";
import type { SecretReceipt } from "../handshake.ts";
import { type ReceivedSecret, readSecretReceipt } from "../handshakes/secret-receipt.ts";
import { readBody } from "../http/body.ts";
import { emptyAnswer } from "../http/headers.ts";
import { methodNotAllowed, problemAnswer } from "../http/problem.ts";
import { newId } from "../ids.ts";
import { type Incoming, splitUrl } from "../incoming.ts";
import { listenNode } from "../listen/node.ts";
import { silentLog } from "../log.ts";
import type { LatchhookOptions, ListenOptions } from "../options.ts";
import { resolveScheme } from "../schemes/define-scheme.ts";
import { builtInScheme } from "../schemes/mod.ts";
import { settingsFromEnv } from "../settings.ts";
import { variablePart } from "../settings-named.ts";
import { readArguments } from "./arguments.ts";
import { type Command, type Terminal, UsageError } from "./command.ts";

/** Takes the one unsigned request in which a provider sends its secret, prints that secret, and ends. */
export const receiveSecret: Command = {
  summary: "take the secret that a provider (asana, notion) sends when a webhook is made",
  usage: [
    "receive-secret PROVIDER [--timeout 10m] [--base-path /hooks]",
    "",
    "Listens on HOST and PORT in place of the server, answers PROVIDER's handshake once, and prints the secret and the",
    "line for .env. Where the server runs there, stop it first.",
    "",
    "  --timeout    how long to wait, 10m by default",
    "  --base-path  what stands before /webhooks, where a host app has mounted Latchhook",
  ].join("\n"),
  async run(args, terminal) {
    const waiting = readCall(args, terminal.env);
    const secret = await receive(waiting, terminal);
    terminal.stdout.write(`${secret}\n${waiting.variable}=${quoted(secret)}\n`);
    terminal.stderr.write(nextSteps(waiting));
    return 0;
  },
};

/** What is waited for. */
interface Waiting {
  readonly provider: string;
  readonly receipt: SecretReceipt;
  readonly path: string;
  /** Such as `WEBHOOK_SECRET_ASANA`. */
  readonly variable: string;
  /** True where the variable has a value already. */
  readonly isSet: boolean;
  readonly timeout: string;
  readonly timeoutMs: number;
  readonly settings: LatchhookOptions & ListenOptions;
}

/** As the server listens; `ROLE=work` has none of its own. */
const PORT = 7862;

/** What a sender over a slow line needs to see the answer. */
const ANSWER_MS = 2_000;

/** Headers and body of a handshake have some hundred bytes. */
const BODY_BYTES_MAX = 16_384;

function readCall(args: readonly string[], env: Terminal["env"]): Waiting {
  const asked = readArguments(args, { timeout: "string", "base-path": "string" }, 1);
  const [provider] = asked.words;
  if (provider === undefined) {
    throw new UsageError("Cannot receive a secret without one provider's name: give it, such as asana");
  }
  const timeout = asked.text("timeout") ?? "10m";
  const basePath = asked.text("base-path") ?? "";
  if (!/^(?:\/[\w.~-]+)*$/.test(basePath)) {
    throw new UsageError(`Cannot use ${JSON.stringify(basePath)} as --base-path: give a path such as /hooks`);
  }
  const settings = settingsFromEnv({ ...env });
  const variable = `WEBHOOK_SECRET_${variablePart(provider)}`;
  return {
    provider,
    receipt: receiptOf(provider, settings),
    path: `${basePath}/webhooks/${provider}`,
    variable,
    isSet: settings.secrets?.[provider] !== undefined,
    timeout,
    timeoutMs: parseDuration(timeout as Duration, "--timeout"),
    settings,
  };
}

function receiptOf(provider: string, { schemes = {} }: LatchhookOptions): SecretReceipt {
  const own = Object.hasOwn(schemes, provider) ? schemes[provider] : undefined;
  const scheme =
    own === undefined || typeof own === "string"
      ? builtInScheme(own ?? provider)
      : resolveScheme(provider, own);
  const receipt = scheme?.handshakes?.find((one) => one.kind === "receive-secret");
  if (receipt !== undefined) return receipt;
  throw new TypeError(
    `Cannot receive a secret from ${JSON.stringify(provider)}: only asana, notion and routes made of them by WEBHOOK_SCHEME_{NAME} send one; the others show it on a page of theirs`,
  );
}

/** Resolves once the handshake is answered. Whatever else comes is refused and changes nothing. */
async function receive(waiting: Waiting, { stderr, signal }: Terminal): Promise<string> {
  const { provider, path, settings, timeout, timeoutMs } = waiting;
  let received: ReceivedSecret | null = null;
  let onReceived = (_secret: string): void => {};
  const arrival = new Promise<string>((resolve) => {
    onReceived = resolve;
  });
  const handle = async (request: Incoming): Promise<Answer> => {
    try {
      checkRoute(request, path);
      const body = await readBody(request, BODY_BYTES_MAX);
      const found = readSecretReceipt(waiting.receipt, request.headers, body);
      if (found === null || received !== null) throw notFound();
      received = found;
      onReceived(found.secret);
      const answer = emptyAnswer(200);
      return { ...answer, headers: { ...answer.headers, ...found.headers } };
    } catch (error) {
      return problemAnswer(error, newId("req"));
    }
  };
  const { host, port } = settings;
  const refuse = (error: WebhookError): Answer => problemAnswer(error, newId("req"));
  const listening = await listenNode({ host, port: port ?? PORT, handle, refuse, log: silentLog }).catch(
    (error: unknown) => {
      throw new Error(`${messageOf(error)}; or stop the server there while this waits`);
    },
  );
  let timer: Timer | undefined;
  let onAbort = (): void => {};
  try {
    const where = `http://${host.includes(":") ? `[${host}]` : host}:${listening.port}${path}`;
    const outside = settings.publicUrl === undefined ? "" : `, which ${settings.publicUrl}${path} leads to`;
    stderr.write(`Waiting ${timeout} for ${provider}'s handshake on ${where}${outside}\n`);
    const ended = new Promise<never>((_, reject) => {
      const end = (why: string): void =>
        reject(new Error(`Cannot receive a secret from ${provider}: ${why}`));
      timer = setLongTimer(
        systemClock,
        () => end(`no handshake came within ${timeout}; make the webhook while this waits`),
        timeoutMs,
      );
      onAbort = () => end("it was interrupted");
      if (signal.aborted) onAbort();
      signal.addEventListener("abort", onAbort);
    });
    const secret = await Promise.race([arrival, ended]);
    // Until the answer is out, and no longer for a stranger's half request.
    timer?.clear();
    timer = systemClock.setTimer(() => listening.closeAll(), ANSWER_MS);
    await listening.close();
    return secret;
  } finally {
    timer?.clear();
    signal.removeEventListener("abort", onAbort);
    listening.closeAll();
    await listening.close();
  }
}

function checkRoute({ method, url }: Incoming, path: string): void {
  if (splitUrl(url).path !== path) throw notFound();
  if (method !== "POST") throw methodNotAllowed(["POST"]);
}

function notFound(): WebhookError {
  return new WebhookError("not_found", "Cannot find a secret in this request");
}

/** As it stands in a .env file and in a shell alike; the secret has no single quote. */
function quoted(secret: string): string {
  return /^[\w.~+/=:-]+$/.test(secret) ? secret : `'${secret}'`;
}

function nextSteps({ provider, receipt, variable, isSet }: Waiting): string {
  const lines = [
    `Received and answered. Put the line with ${variable} into .env or the environment, and start the server`,
  ];
  if ("body" in receipt.from) {
    lines.push(
      `Then paste the secret, which is the line above it, into ${provider}'s page, which waits for it`,
    );
  }
  if (isSet) {
    lines.push(`${variable} is set already: keep its present value as ${variable}_PREVIOUS, and both hold`);
  }
  lines.push(
    `Anybody who reached this address could have sent one: where ${provider} does not say that the webhook is there, drop the secret and begin again`,
  );
  return `${lines.join("\n")}\n`;
}
