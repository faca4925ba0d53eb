/** A line through points over time, as an SVG path in a box of this size, from zero up; empty without points. */
export function sparkPath(
  points: readonly (readonly [at: number, value: number])[],
  { width, height, most }: { readonly width: number; readonly height: number; readonly most?: number },
): string {
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last) return '';
  const top = most ?? Math.max(...points.map(([, value]) => value));
  const span = last[0] - first[0];
  const place = ([at, value]: readonly [number, number]) => {
    const x = span === 0 ? width : ((at - first[0]) / span) * width;
    const y = top === 0 ? height : height - (Math.min(value, top) / top) * height;
    return `${round(x)} ${round(y)}`;
  };
  const from = span === 0 ? `0 ${place(first).split(' ')[1]}L` : '';
  return `M${from}${points.map(place).join('L')}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
