import type { InstanceView } from '../../api/views.ts';
import { bytes, moment, percent } from '../../parts/format.ts';
import { now } from '../../parts/time.tsx';
import { sparkPath } from './spark.ts';

const BOX = { width: 600, height: 80 };

/** How an instance's size went, and how far that is from its cap. */
export function SizeChart({ sizes, capBytes }: Pick<InstanceView, 'sizes' | 'capBytes'>) {
  const first = sizes[0];
  const last = sizes.at(-1);
  if (!first || !last || sizes.length < 2) return null;
  const largest = Math.max(...sizes.map(([, size]) => size));
  const most = capBytes === null ? largest : Math.max(largest, capBytes);
  const path = sparkPath(sizes, { ...BOX, most });
  const ofCap = capBytes === null ? '' : `, ${percent(last[1] / capBytes)} of its cap`;
  const text = `From ${bytes(first[1])} at ${moment(first[0], now.peek())} to ${bytes(last[1])} at ${moment(last[0], now.peek())}${ofCap}`;
  return (
    <figure class="size-chart">
      <svg
        viewBox={`0 -2 ${BOX.width} ${BOX.height + 4}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={text}
      >
        <title>{text}</title>
        <path class="area" d={`${path}L${BOX.width} ${BOX.height}L0 ${BOX.height}Z`} />
        <path class="line" d={path} vector-effect="non-scaling-stroke" />
        {capBytes !== null && (
          <path class="cap" d={`M0 0L${BOX.width} 0`} vector-effect="non-scaling-stroke" />
        )}
      </svg>
      <figcaption class="soft">{text}</figcaption>
    </figure>
  );
}
