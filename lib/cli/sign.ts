import { buffer } from "node:stream/consumers";
import { readArguments } from "./arguments.ts";
import { type Command, UsageError } from "./command.ts";
import { contentTypeOf } from "./delivery-of.ts";
import { providerOf } from "./provider-of.ts";
import { signFor } from "./signing.ts";

/** Prints what a provider would put beside a body, to tell "my server is wrong" from "my secret is wrong". */
export const sign: Command = {
  summary: "print the headers that a provider would send with the body on standard input",
  usage: `sign PROVIDER [options] < BODY

  --url URL           the public URL that is called, where the provider signs it
  --id ID             the delivery's id; a new one otherwise
  --at TIME           when it was signed: RFC 3339, or epoch milliseconds; now otherwise
  --secret-file FILE  a secret other than the server's, or a private key

The secret is WEBHOOK_SECRET_{PROVIDER}, as the server reads it. Where the signature stands in the body (mailgun), or its
time does (linear), the body follows after an empty line.`,
  async run(args, { env, stdin, stdout }) {
    const given = readArguments(
      args,
      { url: "string", id: "string", at: "string", "secret-file": "string" },
      1,
    );
    const [name] = given.words;
    if (name === undefined) throw new UsageError("Cannot sign for nobody: name a provider, such as github");
    const provider = providerOf(name, env);
    const body = await buffer(stdin);
    const sent = signFor(
      provider,
      {
        method: "POST",
        url: given.text("url") ?? null,
        body,
        contentType: contentTypeOf(body, provider.scheme),
        at: instantOf(given.text("at")),
        id: given.text("id") ?? null,
        type: null,
      },
      given.text("secret-file"),
    );
    for (const [header, value] of Object.entries(sent.headers)) stdout.write(`${header}: ${value}\n`);
    if (sent.body !== body) {
      stdout.write("\n");
      stdout.write(sent.body);
    }
    return 0;
  },
};

function instantOf(text: string | undefined): number {
  if (text === undefined) return Date.now();
  const instant = /^\d{13}$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(instant))
    throw new UsageError(`Cannot use --at ${text}: give RFC 3339 or epoch milliseconds`);
  return instant;
}
