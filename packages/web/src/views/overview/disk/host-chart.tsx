import { useMemo } from 'preact/hooks';
import uPlot from 'uplot';
import type { DiskPoint } from '../../../api/views.ts';
import { bytes } from '../../../parts/format.ts';
import { axesOf } from './axes.ts';
import { colourOf } from './colours.ts';
import { usePlot } from './use-plot.ts';

const HEIGHT = 130;

/** What is free on the disk that a pool's image lies on, down to its floor. */
export function HostChart({
  points,
  floorBytes,
}: {
  readonly points: readonly DiskPoint[];
  readonly floorBytes: number | null;
}) {
  const data = useMemo(
    (): uPlot.AlignedData => [
      points.map(({ at }) => Date.parse(at)),
      points.map(({ hostAvailableBytes }) => hostAvailableBytes),
      points.map(() => floorBytes),
    ],
    [points, floorBytes],
  );
  const ref = usePlot(make, data);
  return (
    <figure class="disk">
      <figcaption>
        <h3>Free on the disk below the image</h3>
        <p class="soft num">
          {bytes(points.at(-1)?.hostAvailableBytes)} now, floor {bytes(floorBytes)}
        </p>
      </figcaption>
      <div ref={ref} class="plot" aria-hidden="true" />
    </figure>
  );
}

function make(element: HTMLElement): uPlot {
  const free = colourOf(element, 'templates');
  return new uPlot(
    {
      width: Math.max(200, element.clientWidth),
      height: HEIGHT,
      ms: 1,
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range: (_plot, _min, max) => [0, max * 1.05 || 1] } },
      axes: axesOf(element),
      series: [
        {},
        { stroke: free, width: 2, fill: colourOf(element, 'raised'), points: { show: false } },
        { stroke: colourOf(element, 'bad'), width: 2, points: { show: false } },
      ],
    },
    undefined,
    element,
  );
}
