import { InvalidSignatureError, ReplayAttackError } from "../errors.ts";
import { readBody } from "../http/body.ts";
import { parseJson } from "../parse-json.ts";
import type { WebhookEventRepository } from "../repositories.ts";
import type { Algorithm, Scheme } from "../scheme.ts";
import { digestBytes } from "../verify/signature.ts";
import { Verifier } from "../verify/verify.ts";
import { PROVIDER_NAME } from "../workflow.ts";
import { parseIdempotencyKey, parseWebhookId } from "./webhook-id.ts";

export interface WebhookHandlerOptions {
  /** Default `x-signature`. */
  signatureHeader?: string;
  /** Default `sha256`. */
  algorithm?: Algorithm;
  /** In whose name ids are taken, default `generic`. */
  provider?: string;
  /** Default 1 MiB. */
  bodyBytesMax?: number;
}

/**
 * Verifies deliveries and calls your own function once for each webhook_id, in any server that has a `Request`.
 * The id is taken before the call, so after a crash in between it stays taken: at most once. `createLatchhook`
 * stores the event first and promises more.
 *
 * @example
 * ```ts
 * const storage = await createStorageBackend();
 * const handler = new WebhookHandler("s3cret");
 * const order = await handler.handleWebhook(request, saveOrder, storage.webhookEvents);
 * ```
 */
export class WebhookHandler {
  readonly #verifier: Verifier;
  readonly #provider: string;
  readonly #bodyBytesMax: number;

  /**
   * @param secret one, or several while one is being rotated: any of them may have signed
   * @throws {TypeError} a secret or an option that cannot be used
   */
  constructor(secret: string | readonly string[], options: WebhookHandlerOptions = {}) {
    const unknown = Object.keys(options).find((name) => !OPTIONS.has(name));
    if (unknown !== undefined) {
      throw new TypeError(
        `Cannot use option ${JSON.stringify(unknown)}: WebhookHandler takes ${[...OPTIONS].join(", ")}`,
      );
    }
    const scheme = schemeOf(options.algorithm ?? "sha256", options.signatureHeader ?? "x-signature");
    this.#verifier = new Verifier(scheme, checkSecrets(secret));
    this.#provider = checkProvider(options.provider ?? "generic");
    this.#bodyBytesMax = checkBytes(options.bodyBytesMax ?? 1_048_576);
  }

  /**
   * True where the request's signature holds. Reads a clone, so the request can still be read.
   *
   * @throws {WebhookError} a body that is too large or cannot be read
   * @throws {TypeError} a body that was read before
   */
  async verifyRequest(request: Request): Promise<boolean> {
    // A body that was read cannot be cloned; reading it says so more clearly than cloning it.
    const isUsed = request.bodyUsed || request.body?.locked === true;
    try {
      await this.#readVerified(isUsed ? request : request.clone());
      return true;
    } catch (error) {
      if (error instanceof InvalidSignatureError) return false;
      throw error;
    }
  }

  /**
   * Reads the request once, verifies it, takes its webhook_id and calls the function with the parsed body. Where the
   * function throws, the id is given back, so that the sender's retry runs it again. A delivery that has an id neither
   * in its body (`webhook_id`) nor in `Idempotency-Key` is not checked for replays.
   *
   * @returns what the function returned
   * @throws {InvalidSignatureError} nothing was taken, the function was not called
   * @throws {ReplayAttackError} the id was taken before
   * @throws {WebhookError} a body that is too large or no JSON, an id that cannot be used, a storage that is away
   * @throws whatever the function throws
   */
  async handleWebhook<T>(
    request: Request,
    handlerFunc: (payload: unknown) => T | Promise<T>,
    webhookRepo: WebhookEventRepository,
  ): Promise<T> {
    if (typeof handlerFunc !== "function") {
      throw new TypeError("Cannot handle a webhook without a function: give (payload) => ...");
    }
    const payload = parseJson(await this.#readVerified(request));
    const webhookId = idOf(payload, request.headers);
    if (webhookId === null) return handlerFunc(payload);
    // The database decides among racing copies; asking before taking would let two of them pass.
    if (!(await webhookRepo.markProcessed(webhookId, this.#provider))) {
      throw new ReplayAttackError(webhookId, this.#provider);
    }
    try {
      return await handlerFunc(payload);
    } catch (error) {
      await this.#giveBack(webhookId, webhookRepo, error);
      throw error;
    }
  }

  async #readVerified(request: Request): Promise<Uint8Array> {
    const body = await readBody(request, this.#bodyBytesMax);
    const { method, headers } = request;
    this.#verifier.verify({ method, url: null, headers, body }, Date.now());
    return body;
  }

  async #giveBack(webhookId: string, webhookRepo: WebhookEventRepository, error: unknown): Promise<void> {
    try {
      await webhookRepo.unmarkProcessed(webhookId, this.#provider);
    } catch (storageError) {
      // Both matter: what the function threw, and that the sender's retry will be refused as a replay.
      throw new AggregateError(
        [error, storageError],
        `Cannot give webhook_id ${JSON.stringify(webhookId)} back after the function threw`,
      );
    }
  }
}

const OPTIONS: ReadonlySet<string> = new Set(["signatureHeader", "algorithm", "provider", "bodyBytesMax"]);

/** The signed body's `webhook_id`; the header counts only where the body has none. */
function idOf(payload: unknown, headers: Headers): string | null {
  const isObject = typeof payload === "object" && payload !== null && Object.hasOwn(payload, "webhook_id");
  const signed = isObject ? parseWebhookId(Reflect.get(payload, "webhook_id")) : null;
  return signed ?? parseIdempotencyKey(headers.get("idempotency-key"));
}

function checkSecrets(secret: string | readonly string[]): readonly string[] {
  const secrets: readonly unknown[] = Array.isArray(secret) ? secret : [secret];
  const usable = secrets.filter((text) => typeof text === "string" && text !== "") as string[];
  if (usable.length > 0 && usable.length === secrets.length) return usable;
  throw new TypeError("Cannot use the secret: give text that is not empty, or a list of such texts");
}

function schemeOf(algorithm: Algorithm, header: string): Scheme {
  digestBytes(algorithm); // throws for an unknown one
  if (typeof header !== "string" || !/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(header)) {
    throw new TypeError(
      `Cannot use ${JSON.stringify(header)} as signatureHeader: give a header's name, such as X-Signature`,
    );
  }
  const prefix = `${algorithm}=`;
  return {
    algorithm: `hmac-${algorithm}`,
    signature: { header: header.toLowerCase(), prefix, prefixOptional: true, encoding: "hex" },
  };
}

function checkProvider(provider: string): string {
  if (typeof provider === "string" && PROVIDER_NAME.test(provider)) return provider;
  throw new TypeError(
    `Cannot use ${JSON.stringify(provider)} as provider: a name has lower-case letters, digits and "-"`,
  );
}

function checkBytes(bytes: number): number {
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new TypeError(`Cannot use ${bytes} as bodyBytesMax: give a whole number of 1 or more`);
}
