/** What an instance took by itself at a time: epoch milliseconds, bytes. */
export type SizePoint = readonly [at: number, ownBytes: number];

/** So many are kept of an instance: enough for a line of the width of a word. */
const MOST_SIZES = 24;

/**
 * The size history of an instance after one more measurement. What has not changed is one point that moves on; of too many
 * points that one goes whose neighbours are closest in time, so that they stay spread over its life.
 */
export function addSize(sizes: readonly SizePoint[], point: SizePoint): readonly SizePoint[] {
  // Where the clock was set back, what was measured by the later one says nothing any more.
  const earlier = sizes.filter(([at]) => at < point[0]);
  const [before, last] = [earlier.at(-2), earlier.at(-1)];
  const isFlat = before !== undefined && last !== undefined && before[1] === point[1] && last[1] === point[1];
  const longer = [...(isFlat ? earlier.slice(0, -1) : earlier), point];
  if (longer.length <= MOST_SIZES) return longer;
  return longer.toSpliced(closestToOthers(longer), 1);
}

/** The point between two others that is missed least. */
function closestToOthers(sizes: readonly SizePoint[]): number {
  let [found, least] = [1, Number.POSITIVE_INFINITY];
  for (let i = 1; i + 1 < sizes.length; i += 1) {
    const gap = (sizes[i + 1]?.[0] ?? 0) - (sizes[i - 1]?.[0] ?? 0);
    if (gap < least) [found, least] = [i, gap];
  }
  return found;
}

/** As the catalog keeps them: seconds and bytes to the base of 36, each as the difference to the one before. */
export function writeSizes(sizes: readonly SizePoint[]): string {
  let [at, bytes] = [0, 0];
  return sizes
    .map(([nextAt, nextBytes]) => {
      const seconds = Math.round(nextAt / 1_000);
      const text = `${(seconds - at).toString(36)}:${(nextBytes - bytes).toString(36)}`;
      [at, bytes] = [seconds, nextBytes];
      return text;
    })
    .join(' ');
}

/** What `writeSizes` wrote, times to the second; null for anything else. */
export function readSizes(text: string): readonly SizePoint[] | null {
  let [at, bytes] = [0, 0];
  const sizes = text.split(' ').map((part): SizePoint => {
    const [seconds = '', more = ''] = part.split(':');
    at += Number.parseInt(seconds, 36);
    bytes += Number.parseInt(more, 36);
    return [at * 1_000, bytes];
  });
  return sizes.every(([time, size]) => Number.isSafeInteger(time) && Number.isSafeInteger(size))
    ? sizes
    : null;
}
