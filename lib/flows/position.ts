import type { LineCounter } from "yaml";

/** A line and a column of a file, both from 1. */
export interface Position {
  line: number;
  column: number;
}

/** What is wrong with a file, and where. */
export interface SourceFault extends Position {
  detail: string;
}

/** Where a character stands. */
export function positionOf(offset: number, lines: LineCounter): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}
