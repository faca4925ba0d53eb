import { formatDuration } from '@spica/core';
import type { Output } from '../io.ts';
import { oneLine } from '../output/one-line.ts';
import { type Column, writeRows } from '../output/write.ts';
import type { RunResult } from './result.ts';

/** What becomes visible while an experiment runs. */
export interface Report {
  /** So many more runs are planned. */
  begin(runs: number, generation: number): void;
  /** A run waits, and for what. */
  event(index: number, what: string, detail: string): void;
  /** Its command is being started. */
  started(index: number, instance: { readonly id: string; readonly path: string }): void;
  /** It has ended, or had ended before this went on. */
  result(result: RunResult): void;
  /** The command printed a line. */
  line(index: number, line: string): void;
  /** All is over; null where it could not be carried out, and an error is going to say why. */
  end(results: readonly RunResult[] | null): void;
}

/** Lines for people: `[3] started in /pool/spica-…`, what the commands print behind their number, and a table at the end. */
export function reportLines(stdout: Output, stderr: Output): Report {
  const event: Report['event'] = (index, what, detail) =>
    void stderr.write(`[${index}] ${what}${detail && `: ${oneLine(detail)}`}\n`);
  return {
    begin: (runs, generation) =>
      void (generation > 0 && stderr.write(`generation ${generation}: ${runs} runs\n`)),
    event,
    started: (index, { path }) => event(index, 'started', `in ${path}`),
    result: ({ index, outcome, reason }) => event(index, outcome, reason ?? ''),
    line: (index, line) => void stdout.write(`[${index}] ${line}\n`),
    end: (results) => void (results && writeSummary(stderr, results)),
  };
}

/** One JSON object a line: `event`, and at the end one `result` for each run. */
export function reportJsonLines(stdout: Output): Report {
  const write = (value: object) => void stdout.write(`${JSON.stringify(value)}\n`);
  const event: Report['event'] = (index, event, detail) =>
    write({ at: new Date().toISOString(), index, event, detail });
  return {
    begin: (runs, generation) => write({ at: new Date().toISOString(), event: 'begin', generation, runs }),
    event,
    started: (index, { path }) => event(index, 'started', `in ${path}`),
    result: ({ index, outcome, reason }) => event(index, outcome, reason ?? ''),
    line: (index, line) => write({ at: new Date().toISOString(), index, event: 'line', detail: line }),
    end: (results) => results?.forEach((result) => void write({ event: 'result', ...result })),
  };
}

/** The command has the output to itself: only what keeps it from running is said. */
export function reportNothing(stderr: Output): Report {
  return {
    begin: () => undefined,
    event: (_, what, detail) =>
      void (TOLD_OF_ONE.includes(what) && stderr.write(`${what}: ${oneLine(detail)}\n`)),
    started: () => undefined,
    result: () => undefined,
    line: () => undefined,
    end(results) {
      for (const { exitCode, outcome, reason } of results ?? [])
        if (exitCode === null || (outcome !== 'done' && reason !== null))
          stderr.write(`${outcome === 'stopped' ? 'stopped' : 'error'}: ${oneLine(reason ?? '')}\n`);
    },
  };
}

/** What a single run says of itself: why it waits, and what keeps it from writing. */
const TOLD_OF_ONE: readonly string[] = ['held', 'waiting', 'at its cap', 'too large'];

const COLUMNS: readonly Column<RunResult>[] = [
  { title: '#', text: ({ index }) => String(index), align: 'right' },
  { title: 'instance', text: ({ instance }) => instance ?? '-' },
  { title: 'outcome', text: ({ outcome, kept }) => (kept ? `${outcome}, kept` : outcome) },
  { title: 'exit', text: ({ exitCode }) => (exitCode === null ? '-' : String(exitCode)), align: 'right' },
  { title: 'score', text: ({ score }) => (score === null ? '-' : String(score)), align: 'right' },
  { title: 'time', text: ({ ms }) => formatDuration(Math.round(ms / 1_000) * 1_000), align: 'right' },
  { title: 'why', text: ({ reason }) => reason ?? '' },
];

/** Each run in a row, and in one line what came of all. */
export function writeSummary(stderr: Output, results: readonly RunResult[]): void {
  writeRows(stderr, COLUMNS, results);
  const of = (outcome: RunResult['outcome']) => results.filter((each) => each.outcome === outcome).length;
  const best = results
    .filter(({ score }) => score !== null)
    .sort((a, b) => (b.score ?? 0) - (a.score ?? 0))[0];
  const parts = [`${of('done')} done`, `${of('failed')} failed`];
  if (of('stopped') > 0) parts.push(`${of('stopped')} stopped`);
  if (of('skipped') > 0) parts.push(`${of('skipped')} not begun`);
  stderr.write(`${parts.join(', ')}${best ? `; best: ${best.score} (${best.instance})` : ''}\n`);
}
