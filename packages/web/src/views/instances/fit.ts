/** How wide a column is at least, and how much it matters. */
export interface Fitted {
  /** Pixels. */
  readonly width: number;
  /** Its share of what is left; 0 for none. */
  readonly grow: number;
  /** The column with the highest rank is left out first. */
  readonly rank: number;
}

/** The columns that fit into a width, in their order: the less important ones are left out. The first by rank is always there. */
export function fitColumns<T extends Fitted>(columns: readonly T[], width: number): T[] {
  const chosen = new Set<T>();
  let left = width;
  for (const column of columns.toSorted((a, b) => a.rank - b.rank)) {
    if (column.width > left && chosen.size > 0) break;
    left -= column.width;
    chosen.add(column);
  }
  return columns.filter((column) => chosen.has(column));
}

/** The same as a template of CSS's grid. */
export function gridTemplate(columns: readonly Fitted[]): string {
  return columns
    .map(({ width, grow }) => (grow === 0 ? `${width}px` : `minmax(${width}px,${grow}fr)`))
    .join(' ');
}
