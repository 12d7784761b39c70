import { brotliDecompress, gunzip, inflate, inflateRaw } from "node:zlib";
import { CallFailure } from "./call-failure.ts";
import { ANSWER_BYTES_MAX } from "./exchange.ts";

const unpackers: ReadonlyMap<string, (bytes: Uint8Array) => Promise<Uint8Array>> = new Map([
  ["gzip", bounded(gunzip)],
  ["x-gzip", bounded(gunzip)],
  ["br", bounded(brotliDecompress)],
  // RFC 9110, section 8.4.1.2: some send it without the zlib wrapper, whose first half byte is 8.
  ["deflate", (bytes) => bounded(((bytes[0] ?? 0) & 0x0f) === 8 ? inflate : inflateRaw)(bytes)],
]);

/**
 * A body without its content coding. None was asked for, but some servers pack all the same.
 *
 * @param coding the Content-Encoding header; undefined for none
 * @throws {CallFailure} an unknown coding, bytes that are not in it, or over `ANSWER_BYTES_MAX` of what comes out
 */
export async function unpack(bytes: Uint8Array, coding: string | undefined): Promise<Uint8Array> {
  const name = (coding ?? "identity").trim().toLowerCase();
  if (name === "identity" || name === "" || bytes.byteLength === 0) return bytes;
  const unpackBytes = unpackers.get(name);
  if (unpackBytes === undefined) {
    throw new CallFailure("its content-encoding is none of gzip, deflate, br and identity", {
      isFinal: true,
    });
  }
  try {
    return await unpackBytes(bytes);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      throw new CallFailure(`its body has over ${ANSWER_BYTES_MAX} bytes when unpacked`, { isFinal: true });
    }
    throw new CallFailure(`its body is not in the ${name} that its content-encoding names`);
  }
}

type Done = (error: Error | null, unpacked: Uint8Array) => void;
type Unpacker = (bytes: Uint8Array, options: { maxOutputLength: number }, done: Done) => void;

/** A bomb is stopped where its output passes the bound. */
function bounded(unpacker: Unpacker): (bytes: Uint8Array) => Promise<Uint8Array> {
  return (bytes) =>
    new Promise((resolve, reject) => {
      unpacker(bytes, { maxOutputLength: ANSWER_BYTES_MAX }, (error, unpacked) => {
        if (error === null) resolve(unpacked);
        else reject(error);
      });
    });
}
