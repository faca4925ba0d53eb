import { formatBytes, formatDuration } from '@spica/core';
import type { Output } from '../io.ts';
import { oneLine } from '../output/one-line.ts';
import { type Report, writeSummary } from './report.ts';

export interface RowsOptions {
  readonly stderr: Output;
  /** At a time: what the time that is left follows from. */
  readonly jobs: number;
  /** What an instance takes by itself, in bytes, as it was last measured; null where it was not. */
  readonly sizeOf: (id: string) => Promise<number | null>;
}

/** A run that has begun and not ended. */
interface Row {
  state: string;
  since: number;
  instance: string | null;
  bytes: number | null;
  line: string;
}

const DRAW_EVERY_MS = 250;
const MEASURE_EVERY_MS = 5_000;
/** Lines that the rows leave to the rest of the terminal. */
const MARGIN = 3;
const UP = (lines: number) => (lines > 0 ? `\x1b[${lines}A` : '');
const [CLEAR_BELOW, NO_WRAP, WRAP] = ['\x1b[0J', '\x1b[?7l', '\x1b[?7h'];

/**
 * For a terminal: a row for each run that is under way, with its state, time, size and the last line that it printed, and
 * below them how far all is, the best so far and the time that is left. What has ended stays above, one line each.
 */
export function reportRows({ stderr, jobs, sizeOf }: RowsOptions): Report {
  const rows = new Map<number, Row>();
  const times: number[] = [];
  const counts = { planned: 0, ended: 0, failed: 0 };
  let best: { score: number; index: number } | null = null;
  let drawn = 0;

  const draw = (above = '') => {
    const most = Math.max(1, (stderr.rows ?? 24) - MARGIN);
    const inOrder = [...rows].sort(([a], [b]) => a - b);
    const lines = inOrder.slice(0, most).map(([index, row]) => rowText(index, row));
    if (rows.size > most) lines.push(`  … and ${rows.size - most} more`);
    lines.push(footer());
    stderr.write(`${NO_WRAP}${UP(drawn)}\r${CLEAR_BELOW}${above}${lines.join('\n')}\n${WRAP}`);
    drawn = lines.length;
  };
  const footer = () => {
    const { planned, ended, failed } = counts;
    const parts = [`${ended} of ${planned} ended`];
    if (failed > 0) parts.push(`${failed} failed`);
    if (best) parts.push(`best ${best.score} [${best.index}]`);
    const mean = times.reduce((sum, ms) => sum + ms, 0) / times.length;
    if (times.length > 0 && ended < planned) {
      parts.push(`about ${formatSeconds((mean * (planned - ended)) / Math.min(jobs, planned))} left`);
    }
    return parts.join(', ');
  };
  const rowOf = (index: number): Row => {
    const row = rows.get(index) ?? { state: '', since: Date.now(), instance: null, bytes: null, line: '' };
    rows.set(index, row);
    return row;
  };
  const measure = async () => {
    for (const row of rows.values()) {
      if (row.instance === null) continue;
      row.bytes = await sizeOf(row.instance).catch(() => row.bytes); // a figure to look at, no more
    }
  };
  const timers = [setInterval(draw, DRAW_EVERY_MS, ''), setInterval(() => void measure(), MEASURE_EVERY_MS)];
  for (const timer of timers) timer.unref();

  return {
    begin(runs) {
      counts.planned += runs;
    },
    event(index, what, detail) {
      Object.assign(rowOf(index), { state: what, line: detail });
    },
    started(index, { id }) {
      Object.assign(rowOf(index), { state: 'running', since: Date.now(), instance: id, line: '' });
    },
    line(index, line) {
      if (line.trim() !== '') rowOf(index).line = line;
    },
    result({ index, outcome, ms, score, reason, instance }) {
      rows.delete(index);
      counts.ended += 1;
      if (outcome === 'failed') counts.failed += 1;
      if (outcome !== 'skipped') times.push(ms);
      if (score !== null && (best === null || score > best.score)) best = { score, index };
      const told = [
        `${outcome} in ${formatSeconds(ms)}`,
        score === null ? null : `score ${score}`,
        reason,
        instance,
      ];
      draw(`[${index}] ${told.flatMap((each) => (each === null ? [] : [oneLine(each)])).join(', ')}\n`);
    },
    end(results) {
      for (const timer of timers) clearInterval(timer);
      stderr.write(`${UP(drawn)}\r${CLEAR_BELOW}`);
      if (results) writeSummary(stderr, results);
    },
  };
}

function rowText(index: number, { state, since, bytes, line }: Row): string {
  const size = bytes === null ? '' : formatBytes(bytes);
  const time = formatSeconds(Date.now() - since);
  return `[${index}] ${state.padEnd(8)} ${time.padStart(7)} ${size.padStart(9)}  ${oneLine(line)}`;
}

function formatSeconds(ms: number): string {
  return formatDuration(Math.round(ms / 1_000) * 1_000);
}
