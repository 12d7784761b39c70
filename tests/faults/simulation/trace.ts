/** What happened, as a hash, and as lines where somebody wants to read them. */
export class Trace {
  readonly lines: string[] | null;
  #hash = 0x811c9dc5;
  #count = 0;

  constructor(isKept: boolean) {
    this.lines = isKept ? [] : null;
  }

  add(line: string): void {
    this.#count++;
    let hash = this.#hash;
    for (let at = 0; at < line.length; at++) hash = Math.imul(hash ^ line.charCodeAt(at), 0x01000193);
    this.#hash = hash;
    this.lines?.push(line);
  }

  /** Two runs that did the same have the same (FNV-1a over all lines, and their count). */
  get hash(): string {
    return `${this.#count}-${(this.#hash >>> 0).toString(16)}`;
  }
}
