import type { Output } from '../io.ts';
import { oneLine } from './one-line.ts';
import type { Column } from './write.ts';

const GAP = 2;
/** Narrower than that no text says anything. */
const LEAST_WIDTH = 8;

/**
 * The columns that fit a terminal: those that are missed least go, the highest `rank` first; if it is still too narrow, the
 * widest of those that are left are cut short.
 */
export function fitColumns<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { columns: width = 80 }: Pick<Output, 'columns'>,
): readonly Column<Row>[] {
  let fitted = columns.map((column) => ({ column, width: widthOf(column, rows) }));
  const total = () => fitted.reduce((sum, each) => sum + each.width + GAP, -GAP);
  while (total() > width) {
    const least = Math.max(...fitted.map(({ column }) => column.rank ?? 0));
    if (least === 0) break;
    fitted = fitted.filter(({ column }) => (column.rank ?? 0) < least);
  }
  for (let over = total() - width; over > 0; over = total() - width) {
    const widest = fitted.reduce((a, b) => (b.width > a.width ? b : a));
    if (widest.width <= LEAST_WIDTH) break;
    widest.width = Math.max(LEAST_WIDTH, widest.width - over);
    widest.column = cutShort(widest.column, widest.width);
  }
  return fitted.map(({ column }) => column);
}

function widthOf<Row>({ title, text }: Column<Row>, rows: readonly Row[]): number {
  return rows.reduce((width, row) => Math.max(width, oneLine(text(row)).length), title.length);
}

function cutShort<Row>(column: Column<Row>, width: number): Column<Row> {
  const text = (row: Row) => {
    const whole = oneLine(column.text(row));
    return whole.length > width ? `${whole.slice(0, width - 1)}…` : whole;
  };
  return { ...column, text };
}
