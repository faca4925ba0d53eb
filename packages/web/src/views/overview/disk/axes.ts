import type uPlot from 'uplot';
import { bytes, moment, UNKNOWN } from '../../../parts/format.ts';
import { colourOf } from './colours.ts';

const DAY_MS = 86_400_000;
const FONT = '12px system-ui, sans-serif';

/** Axes of time, in the viewer's zone, and of bytes. */
export function axesOf(element: Element): uPlot.Axis[] {
  const shared = {
    font: FONT,
    stroke: colourOf(element, 'soft'),
    grid: { stroke: colourOf(element, 'line'), width: 1 },
    ticks: { stroke: colourOf(element, 'line'), width: 1, size: 4 },
  };
  return [
    {
      ...shared,
      size: 28,
      space: 70,
      values: (_plot, splits, _axis, _space, step) => splits.map((at) => timeLabel(at, step)),
    },
    {
      ...shared,
      size: 66,
      space: 36,
      values: (_plot, splits) =>
        splits.map((value) => (value === null ? UNKNOWN : bytes(value).replace('.0', ''))),
    },
  ];
}

/** The time of day; the day alone where that is what the step is. */
function timeLabel(at: number, step: number): string {
  const date = new Date(at);
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0;
  if (step >= DAY_MS || isMidnight)
    return date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
  return moment(at, at);
}
