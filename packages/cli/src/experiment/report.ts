import { formatDuration } from '@spica/core';
import type { Output } from '../io.ts';
import { oneLine } from '../output/one-line.ts';
import { type Column, writeRows } from '../output/write.ts';

/** How one run of the command in an instance came out. */
export interface RunResult {
  /** Counts the runs of an experiment, from 0. */
  readonly index: number;
  /** Null where none came up. */
  readonly instance: string | null;
  readonly path: string | null;
  readonly outcome: 'done' | 'failed' | 'stopped' | 'skipped';
  /** The command's; null where it did not run. */
  readonly exitCode: number | null;
  readonly reason: string | null;
  readonly score: number | null;
  /** Files collected. */
  readonly collected: number;
  /** It stays, pinned, when all is over. */
  readonly kept: boolean;
  readonly ms: number;
}

/** What becomes visible while an experiment runs. */
export interface Report {
  /** Something happened to a run: it waits, it starts, it ended. */
  event(index: number, what: string, detail: string): void;
  /** The command printed a line. */
  line(index: number, line: string): void;
  end(results: readonly RunResult[]): void;
}

/** Lines for people: `[3] started in /pool/spica-…`, what the commands print behind their number, and a table at the end. */
export function reportLines(stdout: Output, stderr: Output): Report {
  return {
    event: (index, what, detail) =>
      void stderr.write(`[${index}] ${what}${detail && `: ${oneLine(detail)}`}\n`),
    line: (index, line) => void stdout.write(`[${index}] ${line}\n`),
    end(results) {
      writeRows(stderr, COLUMNS, results);
      stderr.write(`${summary(results)}\n`);
    },
  };
}

/** One JSON object a line: `event`, and at the end one `result` for each run. */
export function reportJsonLines(stdout: Output): Report {
  const write = (value: object) => void stdout.write(`${JSON.stringify(value)}\n`);
  return {
    event: (index, event, detail) => write({ at: new Date().toISOString(), index, event, detail }),
    line: (index, line) => write({ at: new Date().toISOString(), index, event: 'line', detail: line }),
    end: (results) => results.forEach((result) => void write({ event: 'result', ...result })),
  };
}

/** The command has the output to itself: only what keeps it from running is said. */
export function reportNothing(stderr: Output): Report {
  return {
    event: (_, what, detail) => void (what === 'held' && stderr.write(`held: ${oneLine(detail)}\n`)),
    line: () => undefined,
    end(results) {
      for (const { exitCode, reason } of results)
        if (exitCode === null) stderr.write(`error: ${oneLine(reason ?? '')}\n`);
    },
  };
}

const COLUMNS: readonly Column<RunResult>[] = [
  { title: '#', text: ({ index }) => String(index), align: 'right' },
  { title: 'instance', text: ({ instance }) => instance ?? '-' },
  { title: 'outcome', text: ({ outcome, kept }) => (kept ? `${outcome}, kept` : outcome) },
  { title: 'exit', text: ({ exitCode }) => (exitCode === null ? '-' : String(exitCode)), align: 'right' },
  { title: 'score', text: ({ score }) => (score === null ? '-' : String(score)), align: 'right' },
  { title: 'time', text: ({ ms }) => formatDuration(Math.round(ms / 1_000) * 1_000), align: 'right' },
  { title: 'why', text: ({ reason }) => reason ?? '' },
];

function summary(results: readonly RunResult[]): string {
  const of = (outcome: RunResult['outcome']) => results.filter((each) => each.outcome === outcome).length;
  const best = results
    .filter(({ score }) => score !== null)
    .sort((a, b) => (b.score ?? 0) - (a.score ?? 0))[0];
  const parts = [`${of('done')} done`, `${of('failed')} failed`];
  if (of('stopped') > 0) parts.push(`${of('stopped')} stopped`);
  if (of('skipped') > 0) parts.push(`${of('skipped')} not begun`);
  return parts.join(', ') + (best ? `; best: ${best.score} (${best.instance})` : '');
}
