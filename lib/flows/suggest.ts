import { nearest } from "../nearest.ts";

/**
 * What to write instead of an unknown word.
 *
 * @param known the words that are understood
 * @returns such as `did you mean "nodes"?`, or all known words where none is near
 */
export function suggest(word: string, known: Iterable<string>): string {
  const words = [...known];
  const near = nearest(word, words, Math.max(1, Math.ceil(word.length / 3)));
  if (near !== null) return `did you mean ${JSON.stringify(near)}?`;
  return words.length === 0 ? "there are none" : `known are ${words.join(", ")}`;
}
