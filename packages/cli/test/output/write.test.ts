import { expect, it } from 'vitest';
import { writeFields, writeRows } from '../../src/output/write.ts';
import { capture } from '../capture.ts';

const columns = [
  { title: 'id', text: ({ id }: Row) => id },
  {
    title: 'size',
    text: ({ bytes }: Row) => `${bytes / 1e6} MB`,
    raw: ({ bytes }: Row) => bytes,
    align: 'right' as const,
  },
];
interface Row {
  readonly id: string;
  readonly bytes: number;
}
const rows: Row[] = [
  { id: 'spica-1', bytes: 1_000_000 },
  { id: 'spica-22', bytes: 25_000_000 },
];

it('writes a table with titles on a terminal', () => {
  const io = capture({ tty: true });
  writeRows(io.stdout, columns, rows);
  expect(io.out()).toBe('ID         SIZE\nspica-1    1 MB\nspica-22  25 MB\n');
});

it('writes nothing but data when piped: a line each, tab-separated, figures exact', () => {
  const io = capture();
  writeRows(io.stdout, columns, rows);
  expect(io.out()).toBe('spica-1\t1000000\nspica-22\t25000000\n');
});

it('writes nothing at all without rows', () => {
  for (const tty of [true, false]) {
    const io = capture({ tty });
    writeRows(io.stdout, columns, []);
    expect(io.out()).toBe('');
  }
});

it('lets no value break its row or reach the terminal as a control sequence', () => {
  const io = capture({ tty: true });
  writeRows(io.stdout, columns, [{ id: 'a\nb\t\u001b[31mc\u2028d', bytes: 0 }]);
  expect(io.out().split('\n')).toHaveLength(3);
  expect(io.out()).toContain('a b [31mc d');
});

it('aligns fields and leaves out those without a value', () => {
  const io = capture();
  writeFields(io.stdout, [
    ['pool', 'main'],
    ['problem', null],
    ['root', '/pool'],
  ]);
  expect(io.out()).toBe('pool  main\nroot  /pool\n');
});
