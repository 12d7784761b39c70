import type { IncomingMessage } from "node:http";

/** A request's body on its way to the handler. */
export interface RequestBody {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Ends the stream with an error, because no more will come. */
  fail(error: unknown): void;
  /** Reads the rest from the socket and drops it. */
  discard(): void;
}

/**
 * The body as a web stream. Nothing is read from the socket before the handler asks, beyond what Node holds in its own
 * buffer of some 16 KiB, and a handler that stops asking leaves the rest where it is.
 *
 * @param onFirstRead called when the handler asks for the first bytes: the moment for `100 Continue`
 */
export function requestBody(req: IncomingMessage, onFirstRead: (() => void) | null): RequestBody {
  let controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | null = null;
  let isAsked = false;
  let delivered: (() => void) | null = null;
  const settle = (
    act: (controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>) => void,
  ): void => {
    const open = controller;
    controller = null;
    if (open !== null) act(open);
    delivered?.();
  };
  req.pause(); // else the first listener for data sets it flowing
  req.on("data", (chunk: Buffer<ArrayBuffer>) => {
    if (controller === null) return;
    req.pause();
    controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    delivered?.();
  });
  req.once("end", () => settle((open) => open.close()));
  req.once("close", () => settle((open) => open.error(hungUp())));

  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      start(opened) {
        controller = opened;
      },
      pull() {
        if (!isAsked) onFirstRead?.();
        isAsked = true;
        return new Promise((resolve) => {
          delivered = resolve;
          req.resume();
        });
      },
      cancel() {
        controller = null;
        req.pause();
      },
    },
    { highWaterMark: 0 },
  );
  return {
    stream,
    fail: (error) => settle((open) => open.error(error)),
    discard() {
      settle((open) => open.error(new Error("Cannot read the body after the answer was given")));
      req.resume();
    },
  };
}

/** What a request ends with whose sender went away. */
export function hungUp(): DOMException {
  return new DOMException("The sender hung up before the request was over", "AbortError");
}
