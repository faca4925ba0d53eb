import uPlot from 'uplot';
import { axesOf } from './axes.ts';
import { colourOf, stripes } from './colours.ts';
import { PARTS, type Part, type Stack } from './stack.ts';

/** What is promised is still free: it is drawn as stripes on that. */
const PROMISED: readonly Part[] = ['growth', 'reserved'];

export interface PlotEvents {
  /** The point under the cursor; null where there is none. */
  readonly onCursor: (index: number | null) => void;
  /** It was drawn anew, to another scale or size perhaps. */
  readonly onDraw: (plot: uPlot) => void;
}

/** A stack's figures in the order of the plot's series. */
export function dataOf({ at, tops, floor, target, low, high }: Stack): uPlot.AlignedData {
  const parts = [...PARTS].reverse().map((part) => tops[part]);
  return [at, ...parts, low, high, floor, target] as unknown as uPlot.AlignedData; // which it only reads
}

/**
 * Draws a stack into an element: from its top down, so that each part covers what lies behind it. Colours are those of the
 * theme as it is; when that changes, it is made anew.
 */
export function makePlot(element: HTMLElement, height: number, events: PlotEvents): uPlot {
  const colour = (name: string) => colourOf(element, name);
  const ground = colour('free');
  const parts = [...PARTS].reverse().map((part): uPlot.Series => {
    const own = colour(part);
    const isPromised = PROMISED.includes(part);
    return {
      label: part,
      stroke: own,
      width: 1,
      fill: isPromised ? stripes(own, ground) : own,
      points: { show: false },
    };
  });
  const line = (name: string, stroke: string, dash: number[]): uPlot.Series => {
    return { label: name, stroke, width: 2, dash, points: { show: false } };
  };
  const edge: uPlot.Series = { stroke: colour('soft'), width: 1, dash: [2, 3], points: { show: false } };
  const first = parts.length + 1;
  return new uPlot(
    {
      width: Math.max(200, element.clientWidth),
      height,
      ms: 1,
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: { x: { range: timeRange }, y: { range: (_plot, _min, max) => [0, max * 1.02 || 1] } },
      axes: axesOf(element),
      series: [
        {},
        ...parts,
        edge,
        edge,
        line('floor', colour('bad'), []),
        line('target', colour('watch'), [6, 4]),
      ],
      bands: [{ series: [first + 1, first], fill: stripes(colour('soft'), 'transparent') }],
      hooks: {
        draw: [(plot) => events.onDraw(plot)],
        setCursor: [({ cursor }) => events.onCursor(cursor.idx ?? null)],
      },
    },
    undefined,
    element,
  );
}

/** The least that is shown, however young the history is. */
const LEAST_SPAN_MS = 10 * 60_000;

function timeRange(_plot: uPlot, min: number, max: number): uPlot.Range.MinMax {
  return [Math.min(min, max - LEAST_SPAN_MS), max];
}
