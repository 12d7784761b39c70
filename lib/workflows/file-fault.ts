import { messageOf, WebhookError } from "../errors.ts";

/** What is wrong or odd in a file, and where, as far as that is known. */
export interface FileFault {
  /** As it stands in the folder. */
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly detail: string;
}

/** A node names a workflow that there is not. */
export function noSuchChild(name: string, at: Omit<FileFault, "detail">): FileFault {
  return { ...at, detail: `Cannot run workflow ${JSON.stringify(name)}: there is none of this name here` };
}

/** A node names a workflow that runs the node's own. */
export function ownParent(name: string, parent: string, at: Omit<FileFault, "detail">): FileFault {
  const [child, own] = [JSON.stringify(name), JSON.stringify(parent)];
  return { ...at, detail: `Cannot run workflow ${child} here: it runs ${own} itself` };
}

/** A fault as a line that editors and terminals can open. */
export function lineOf({ file, line, column, detail }: FileFault): string {
  return line === undefined ? `${file}: ${detail}` : `${file}:${line}:${column}: ${detail}`;
}

/** What a file's loading threw, as its faults; those of a flow have their places. */
export function faultsOf(file: string, error: unknown): FileFault[] {
  // Not by its class: it belongs to the parser of flows, which is loaded with the first one.
  const { places, fileName = file } = error as {
    places?: readonly Omit<FileFault, "file">[];
    fileName?: string;
  };
  if (error instanceof WebhookError && places !== undefined) {
    return places.map((place) => ({ file: fileName, ...place }));
  }
  return messageOf(error)
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((detail) => ({ file, detail }));
}
