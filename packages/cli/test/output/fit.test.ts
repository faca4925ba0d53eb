import { expect, it } from 'vitest';
import { fitColumns } from '../../src/output/fit.ts';
import type { Column } from '../../src/output/write.ts';

type Row = Readonly<Record<'id' | 'request' | 'reason', string>>;
const rows: readonly Row[] = [
  { id: 'spica-0123456789ab', request: 'request-1', reason: 'over max_age_days 3, and more' },
  { id: 'spica-0123456789ac', request: 'r', reason: 'leased' },
];
const columns: readonly Column<Row>[] = [
  { title: 'id', text: ({ id }) => id },
  { title: 'request', text: ({ request }) => request, rank: 2 },
  { title: 'reason', text: ({ reason }) => reason },
];
const fit = (width: number) => {
  const fitted = fitColumns(columns, rows, { columns: width });
  return rows.map((row) => fitted.map(({ text }) => text(row)));
};
it('all columns stay where there is room, what is missed least goes first, and what is left is cut short', () => {
  expect(fit(80)[0]).toEqual(['spica-0123456789ab', 'request-1', 'over max_age_days 3, and more']);
  expect(fit(50)[0]).toEqual(['spica-0123456789ab', 'over max_age_days 3, and more']);
  expect(fit(40)[0]).toEqual(['spica-0123456789ab', 'over max_age_days 3…']);
  expect(fit(40)[1]).toEqual(['spica-0123456789ac', 'leased']);
  expect(fit(10)[0]).toEqual(['spica-0…', 'over ma…']);
});
