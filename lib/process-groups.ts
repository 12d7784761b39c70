/** More commands than a system has processes by default. */
const GROUPS_MAX = 32_768;

/** Made when it is first asked for: where there are no commands, there need not be shared memory. */
let shared: Int32Array | null = null;

/**
 * The leaders of the process groups that this process has started and that live, in memory that threads share: whoever
 * ends this process ends them, too. 0 is a free place.
 */
export function groupLeaders(): Int32Array {
  shared ??= new Int32Array(new SharedArrayBuffer(GROUPS_MAX * Int32Array.BYTES_PER_ELEMENT));
  return shared;
}

/** Call when a group's leader has been started. */
export function keepGroup(leader: number): void {
  const leaders = groupLeaders();
  const free = leaders.indexOf(0);
  if (free >= 0) leaders[free] = leader;
}

/** Call when it has ended: its number may be another's soon. */
export function forgetGroup(leader: number): void {
  const leaders = groupLeaders();
  const place = leaders.indexOf(leader);
  if (place >= 0) leaders[place] = 0;
}
