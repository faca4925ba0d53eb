import { countOf, formatBytes } from '@spica/core';
import type { TemplateReport } from '@spica/pool';
import type { ShownTemplate } from '../commands/template.ts';
import type { Output } from '../io.ts';
import { oneLine } from './one-line.ts';
import { writeFields, writeRows } from './write.ts';

type Pattern = TemplateReport['excluded']['patterns'][number];

/** Templates for people, a block each. */
export function writeTemplates(stdout: Output, shown: readonly ShownTemplate[]): void {
  for (const [i, each] of shown.entries()) {
    if (i > 0) stdout.write('\n');
    if ('report' in each) writeTemplate(stdout, each.pool, each.report);
    else {
      writeFields(stdout, [
        ['template', `${each.name} of pool ${each.pool}`],
        ['refused', each.error.message],
      ]);
    }
  }
}

function writeTemplate(stdout: Output, pool: string, report: TemplateReport): void {
  const { name, dir, version, originCommit, cloned, excluded, largest, warnings } = report;
  const atLeast = excluded.isComplete ? '' : 'at least ';
  writeFields(stdout, [
    ['template', `${name} of pool ${pool}`],
    ['directory', dir],
    ['version', version],
    ['commit', originCommit],
    ['cloned', sayAmount(cloned)],
    ['left out', atLeast + sayAmount(excluded)],
  ]);
  if (excluded.patterns.length > 0) stdout.write('\n');
  writeRows(
    stdout,
    [
      { title: 'line', text: ({ line }) => String(line), align: 'right' },
      { title: 'pattern', text: sayPattern },
      { title: 'entries', text: ({ entries }) => String(entries), align: 'right' },
      { title: 'size', text: ({ bytes }) => (bytes === null ? '' : formatBytes(bytes)), align: 'right' },
      { title: '', text: sayEffect },
    ],
    excluded.patterns,
  );
  if (largest.length > 0) stdout.write('\n');
  writeRows(
    stdout,
    [
      { title: 'largest that is cloned', text: ({ path }) => path },
      { title: 'entries', text: ({ entries }) => String(entries), align: 'right' },
      { title: 'size', text: ({ bytes }) => formatBytes(bytes), align: 'right' },
    ],
    largest,
  );
  if (warnings.length > 0) stdout.write('\n');
  for (const { found, advice } of warnings) {
    stdout.write(`warn  ${oneLine(found)}\n      → ${oneLine(advice)}\n`);
  }
}

function sayAmount({ bytes, entries }: { readonly bytes: number; readonly entries: number }): string {
  return `${formatBytes(bytes)}, ${countOf(entries, 'entry', 'entries')}`;
}

/** As the file has it. */
function sayPattern({ kind, pattern }: Pattern): string {
  return kind === 'include' ? `+ ${pattern}` : pattern;
}

function sayEffect({ kind, entries }: Pattern): string {
  if (entries === 0) return 'matches nothing';
  return kind === 'include' ? 'kept' : '';
}

interface Row {
  readonly template: string;
  readonly kind: 'refused' | 'cloned' | 'left-out' | 'pattern' | 'directory' | 'warning';
  readonly what: string;
  readonly entries: number | null;
  readonly bytes: number | null;
}

/** Templates for programs: a line for each thing there is to say, of which the second field says what it is. */
export function writeTemplateRows(stdout: Output, shown: readonly ShownTemplate[]): void {
  writeRows<Row>(
    stdout,
    [
      { title: 'template', text: ({ template }) => template },
      { title: 'kind', text: ({ kind }) => kind },
      { title: 'what', text: ({ what }) => what },
      { title: 'entries', text: ({ entries }) => String(entries ?? '') },
      { title: 'bytes', text: ({ bytes }) => String(bytes ?? '') },
    ],
    shown.flatMap(rowsOf),
  );
}

function rowsOf(shown: ShownTemplate): Row[] {
  const template = `${shown.pool}/${shown.name}`;
  const none = { entries: null, bytes: null };
  if ('error' in shown) return [{ template, kind: 'refused', what: shown.error.message, ...none }];
  const { dir, cloned, excluded, largest, warnings } = shown.report;
  return [
    { template, kind: 'cloned', what: dir, entries: cloned.entries, bytes: cloned.bytes },
    { template, kind: 'left-out', what: dir, entries: excluded.entries, bytes: excluded.bytes },
    ...excluded.patterns.map(
      (each): Row => ({
        template,
        kind: 'pattern',
        what: sayPattern(each),
        entries: each.entries,
        bytes: each.bytes,
      }),
    ),
    ...largest.map(
      ({ path, entries, bytes }): Row => ({ template, kind: 'directory', what: path, entries, bytes }),
    ),
    ...warnings.map(
      ({ code, found }): Row => ({ template, kind: 'warning', what: `${code}: ${found}`, ...none }),
    ),
  ];
}
