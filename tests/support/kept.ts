import { Writable } from "node:stream";

/** Keeps what is written. How much of it a stream gives back at once differs from one runtime to the next. */
export class Kept extends Writable {
  text = "";

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.text += Buffer.from(chunk).toString();
    done();
  }
}
