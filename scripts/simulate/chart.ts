import type { Use } from './checks.ts';
import { HOST } from './scenario.ts';

const WIDTH = 100;
const HEIGHT = 18;

/**
 * The disk over time, the fullest moment of each stretch: `:` what others use, `#` instances, `-` the floor, which admitted
 * work leaves free, `!` where it is used.
 */
export function drawChart(uses: readonly Use[], days: number): string {
  const columns = Array.from({ length: WIDTH }, (_, column) => {
    const from = Math.floor((column * uses.length) / WIDTH);
    const to = Math.max(from + 1, Math.floor(((column + 1) * uses.length) / WIDTH));
    return fullest(uses.slice(from, to));
  });
  const lines: string[] = [];
  for (let row = HEIGHT; row >= 1; row -= 1) {
    const bytes = ((row - 0.5) / HEIGHT) * HOST.totalBytes;
    const label = `${Math.round(((row / HEIGHT) * HOST.totalBytes) / 1e9)} GB`.padStart(7);
    lines.push(`${label} |${columns.map((use) => cell(use, bytes)).join('')}`);
  }
  const axis = `${''.padStart(8)}+${''.padEnd(WIDTH, '-')}`;
  const scale = `${''.padStart(9)}day 0${`day ${days}`.padStart(WIDTH - 5)}`;
  return [...lines, axis, scale].join('\n');
}

function fullest(uses: readonly Use[]): Use {
  return uses.reduce((most, use) => (totalOf(use) > totalOf(most) ? use : most), {
    instancesBytes: 0,
    othersBytes: 0,
  });
}

function totalOf({ instancesBytes, othersBytes }: Use): number {
  return instancesBytes + othersBytes;
}

function cell(use: Use, bytes: number): string {
  const isFloor = bytes > HOST.totalBytes - HOST.floor.bytes;
  if (bytes > totalOf(use)) return isFloor ? '-' : ' ';
  if (isFloor) return '!';
  return bytes > use.othersBytes ? '#' : ':';
}
