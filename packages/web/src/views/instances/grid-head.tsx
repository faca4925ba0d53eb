// biome-ignore-all lint/a11y/useSemanticElements: a grid whose rows are not all there cannot be a table
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus, and says which row is current
import { useEffect, useRef } from 'preact/hooks';
import { setQuery } from '../../router/router.ts';
import { COLUMNS, type GridColumn } from './columns.tsx';
import { type ListState, sortBy } from './list.ts';

/** The heads of the columns, which stay in sight: a click sorts by one, a second one turns that round. */
export function GridHead({
  columns,
  list,
  isAll,
  isSome,
  onChooseAll,
}: {
  readonly columns: readonly GridColumn[];
  readonly list: ListState;
  readonly isAll: boolean;
  readonly isSome: boolean;
  readonly onChooseAll: (isAll: boolean) => void;
}) {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (box.current) box.current.indeterminate = isSome && !isAll;
  }, [isSome, isAll]);
  return (
    <div role="row" class="row grid-head" aria-rowindex={1}>
      <div role="columnheader" class="choose" aria-colindex={1}>
        <input
          ref={box}
          type="checkbox"
          checked={isAll}
          aria-label="Choose all that match"
          onChange={({ currentTarget }) => onChooseAll(currentTarget.checked)}
        />
      </div>
      {columns.map((column) => (
        <Head key={column.name} column={column} list={list} />
      ))}
    </div>
  );
}

function Head({
  column: { name, title, sort, isFigure },
  list,
}: {
  readonly column: GridColumn;
  readonly list: ListState;
}) {
  const isSorted = sort !== null && sort === list.sort;
  const ascending = list.order === 'asc';
  const shown = isSorted ? (ascending ? 'ascending' : 'descending') : 'none';
  return (
    <div
      role="columnheader"
      class={isFigure ? 'cell figure' : 'cell'}
      aria-colindex={COLUMNS.findIndex((each) => each.name === name) + 2}
      aria-sort={sort === null ? undefined : shown}
    >
      {sort === null ? (
        title
      ) : (
        <button type="button" onClick={() => setQuery(sortBy(list, sort))}>
          {title}
          <span class="arrow" aria-hidden="true">
            {isSorted ? (ascending ? '▲' : '▼') : ''}
          </span>
        </button>
      )}
    </div>
  );
}
