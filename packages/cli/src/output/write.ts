import { once } from 'node:events';
import Table from 'cli-table3';
import type { Output } from '../io.ts';
import { oneLine } from './one-line.ts';

export function writeJson(stdout: Output, value: unknown): void {
  stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export interface Column<Row> {
  readonly title: string;
  /** As people read it. */
  readonly text: (row: Row) => string;
  /** As programs read it, where that differs: bytes, ISO times. */
  readonly raw?: (row: Row) => string | number | null;
  readonly align?: 'left' | 'right';
  /** Where the terminal is too narrow, the columns with the highest rank are left out first; those without one stay. */
  readonly rank?: number;
}

/** Rows as a table on a terminal; when piped, one line each, tab-separated, without titles. */
export function writeRows<Row>(stdout: Output, columns: readonly Column<Row>[], rows: readonly Row[]): void {
  if (stdout.isTTY) {
    if (rows.length > 0) stdout.write(`${tableLines(columns, rows).join('\n')}\n`);
    return;
  }
  for (const row of rows) {
    const cells = columns.map(({ text, raw }) => oneLine(String((raw ? raw(row) : text(row)) ?? '')));
    stdout.write(`${cells.join('\t')}\n`);
  }
}

/** A line of each, as they come. */
export async function writeLines<Row>(
  stdout: Output,
  rows: AsyncIterable<Row>,
  text: (row: Row) => string,
): Promise<void> {
  for await (const row of rows) await writeText(stdout, `${text(row)}\n`);
}

/** JSON as `writeJson` writes it, of an object with a list that need not be in memory as a whole: what is before, the list, what is after. */
export async function writeJsonList<Row>(
  stdout: Output,
  before: object,
  name: string,
  rows: AsyncIterable<Row>,
  toJson: (row: Row) => unknown,
  after: object,
): Promise<void> {
  const fields = (of: object) =>
    Object.entries(of).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  await writeText(stdout, `{\n${[...fields(before), `  ${JSON.stringify(name)}: [`].join(',\n')}`);
  let count = 0;
  for await (const row of rows) {
    const json = JSON.stringify(toJson(row), null, 2).replaceAll('\n', '\n    ');
    await writeText(stdout, `${count === 0 ? '' : ','}\n    ${json}`);
    count += 1;
  }
  const end = count === 0 ? ']' : '\n  ]';
  await writeText(stdout, `${[end, ...fields(after)].join(',\n')}\n}\n`);
}

/** Waits for a reader that does not keep up. */
async function writeText(stdout: Output, text: string): Promise<void> {
  if (!stdout.write(text)) await once(stdout, 'drain');
}

/** A table without borders as lines, the first of which are its titles in capitals. */
export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const table = new Table({
    head: columns.map(({ title }) => title.toUpperCase()),
    colAligns: columns.map(({ align }) => align ?? 'left'),
    chars: BORDERLESS,
    style: { 'padding-left': 0, 'padding-right': 2, head: [], border: [] },
  });
  table.push(...rows.map((row) => columns.map(({ text }) => oneLine(text(row)))));
  const lines = table.toString().split('\n');
  return lines.map((line) => line.trimEnd());
}

/** Names and values, one a line, the values aligned. Lines without a value are left out. */
export function writeFields(stdout: Output, fields: readonly (readonly [string, string | null])[]): void {
  const given = fields.filter((field): field is [string, string] => field[1] !== null);
  const width = Math.max(...given.map(([name]) => name.length)) + 2;
  for (const [name, value] of given) stdout.write(`${name.padEnd(width)}${oneLine(value)}\n`);
}

const NONE = { left: '', mid: '', right: '' };
const BORDERLESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  'left-mid': '',
  'mid-mid': '',
  'right-mid': '',
  middle: '',
  ...NONE,
};
