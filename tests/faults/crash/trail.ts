import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { AuditLine } from "../../fixtures/workflows/_audit.ts";
import { Audit, type NoteLine } from "../../support/audit.ts";

/** The file that workflows and the harness append to, read on from where it was read last. */
export class Trail {
  readonly audit: Audit = new Audit();
  readonly path: string;
  #offset = 0;
  #rest = "";

  constructor(path: string) {
    this.path = path;
  }

  /** Reads what is new. Call while nobody writes. */
  readOn(): void {
    const file = openSync(this.path, "a+");
    try {
      const bytes = Buffer.alloc(fstatSync(file).size - this.#offset);
      this.#offset += readSync(file, bytes, 0, bytes.length, this.#offset);
      const lines = (this.#rest + bytes.toString("utf8")).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) this.audit.add(parseLine(line));
    } finally {
      closeSync(file);
    }
  }
}

/** A kill may cut the write of a line, and then the next one is appended to what there is of it. */
function parseLine(line: string): AuditLine | NoteLine {
  return JSON.parse(line.slice(line.lastIndexOf('{"run"'))) as AuditLine | NoteLine;
}
