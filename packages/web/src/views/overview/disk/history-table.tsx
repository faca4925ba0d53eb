import type { DiskHistory } from '../../../api/views.ts';
import { bytes } from '../../../parts/format.ts';
import { type Column, Table } from '../../../parts/table.tsx';
import { Time } from '../../../parts/time.tsx';
import { PART_NAMES } from './legend.tsx';
import { PARTS, partsOf } from './stack.ts';

const MOST_ROWS = 24;

type Row = DiskHistory['points'][number];

const COLUMNS: readonly Column<Row>[] = [
  { title: 'At', render: ({ at }) => <Time at={at} /> },
  ...[...PARTS].reverse().map((part): Column<Row> => {
    return { title: PART_NAMES[part], isFigure: true, render: (row) => bytes(partsOf(row)[part]) };
  }),
];

/** The history as a table: every so many points, the newest first. */
export function HistoryTable({ history: { points } }: { readonly history: DiskHistory }) {
  const step = Math.max(1, Math.ceil(points.length / MOST_ROWS));
  const rows = [...points].reverse().filter((_, index) => index % step === 0);
  return <Table caption="The disk over time" columns={COLUMNS} rows={rows} keyOf={({ at }) => at} empty="" />;
}
