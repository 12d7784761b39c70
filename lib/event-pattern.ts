/** The longest pattern, in characters. */
export const EVENT_PATTERN_CHARACTERS_MAX = 255;

/** True where the type of an event matches; an event without one has the type `""`. */
export type EventPattern = (type: string) => boolean;

/**
 * A pattern for the types of events. `*` stands for any characters, or none; all others for themselves. It matches the
 * whole type, or the part of it before a dot: `pull_request` is `pull_request` and `pull_request.opened`.
 *
 * Each text between two `*` is looked for once, from where the one before it ended, so there is no going back.
 */
export function compileEventPattern(pattern: string): EventPattern {
  const whole = compileWhole(pattern);
  const below = compileWhole(`${pattern}.*`);
  return (type) => whole(type) || below(type);
}

function compileWhole(pattern: string): EventPattern {
  const [start = "", ...rest] = pattern.split("*");
  const end = rest.pop();
  if (end === undefined) return (type) => type === start;
  return (type) => {
    if (type.length < start.length + end.length || !type.startsWith(start) || !type.endsWith(end))
      return false;
    const last = type.length - end.length;
    let at = start.length;
    for (const part of rest) {
      const found = type.indexOf(part, at);
      at = found + part.length;
      if (found === -1 || at > last) return false;
    }
    return true;
  };
}
