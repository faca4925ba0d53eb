import { useMemo, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import type { DiskHistory } from '../../../api/views.ts';
import { Time } from '../../../parts/time.tsx';
import { hiddenParts, Legend } from './legend.tsx';
import { Marks, type PlotBox } from './marks.tsx';
import { dataOf, makePlot } from './plot.ts';
import { partsOf, stackHistory } from './stack.ts';
import { usePlot } from './use-plot.ts';

const HEIGHT = 260;

/** The stack of what takes the disk, with its legend, and what happened when. */
export function Chart({ history }: { readonly history: DiskHistory }) {
  const [box, setBox] = useState<PlotBox | null>(null);
  const [cursor, setCursor] = useState<number | null>(null);
  const hidden = hiddenParts();
  const hiddenText = [...hidden].join();
  const data = useMemo(() => dataOf(stackHistory(history, hidden)), [history, hiddenText]);
  const ref = usePlot(
    (element) =>
      makePlot(element, HEIGHT, {
        onCursor: setCursor,
        onDraw: (plot) => setBox((before) => changedBox(before, plot)),
      }),
    data,
  );
  const point = history.points[cursor ?? -1] ?? history.points.at(-1);
  if (!point) return null;
  return (
    <figure class="disk">
      {box && <Marks marks={history.marks} box={box} />}
      <div ref={ref} class="plot" aria-hidden="true" />
      <figcaption>
        <p class="soft at">
          {history.points[cursor ?? -1] ? 'At' : 'Now,'} <Time at={point.at} />
        </p>
        <Legend figures={partsOf(point)} />
      </figcaption>
    </figure>
  );
}

/** The same object where nothing has changed: the plot draws anew for each move of the cursor. */
function changedBox(before: PlotBox | null, plot: uPlot): PlotBox | null {
  const ratio = devicePixelRatio;
  const { min = 0, max = 1 } = plot.scales.x as { min?: number; max?: number };
  const { left, width, height } = plot.bbox;
  const next = { left: left / ratio, width: width / ratio, height: height / ratio, from: min, to: max };
  const isSame =
    before && Object.entries(next).every(([name, value]) => before[name as keyof PlotBox] === value);
  return isSame ? before : next;
}
