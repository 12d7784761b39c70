import { nearest } from "../nearest.ts";

/** Longer words are no slip of a known one, and comparing two of them takes a second. */
const CHARACTERS_MAX = 128;
/** Names that a word is compared with, the first ones: a file has room for 15,000 wrong words and as many names. */
const COMPARED_MAX = 300;
/** Names that a message lists: a thousand of them in each of a thousand faults help nobody. */
const LISTED_MAX = 20;

/**
 * What to write instead of an unknown word.
 *
 * @param known the words that are understood
 * @returns such as `did you mean "nodes"?`, or known words where none is near
 */
export function suggest(word: string, known: Iterable<string>): string {
  const words: string[] = [];
  for (const name of known) if (words.push(cut(name)) === COMPARED_MAX) break;
  const distanceMax = Math.max(1, Math.ceil(word.length / 3));
  const near = word.length > CHARACTERS_MAX ? null : nearest(word, words, distanceMax);
  if (near !== null) return `did you mean ${JSON.stringify(near)}?`;
  if (words.length === 0) return "there are none";
  const listed = words.slice(0, LISTED_MAX).join(", ");
  return `known are ${listed}${words.length > LISTED_MAX ? ", ..." : ""}`;
}

function cut(word: string): string {
  return word.length > CHARACTERS_MAX ? `${word.slice(0, CHARACTERS_MAX)}...` : word;
}
