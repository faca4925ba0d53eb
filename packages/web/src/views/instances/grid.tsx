// biome-ignore-all lint/a11y/useSemanticElements: a grid whose rows are not all there cannot be a table
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus, and says which row is current
import { useEffect, useId, useMemo, useRef, useState } from 'preact/hooks';
import type { InstanceView } from '../../api/views.ts';
import { count as countText } from '../../parts/format.ts';
import { setQuery } from '../../router/router.ts';
import { CHOICE_WIDTH, COLUMNS } from './columns.tsx';
import { fitColumns, gridTemplate } from './fit.ts';
import { GridHead } from './grid-head.tsx';
import { useGridKeys } from './grid-keys.ts';
import type { ListState } from './list.ts';
import { Row } from './row.tsx';
import type { RowLoader } from './row-loader.ts';
import { isChosen, type Selection } from './selection.ts';
import { ROW_HEIGHT, useVirtual } from './use-virtual.ts';

const SLOT_STEP = 32;

export interface GridProps {
  readonly list: ListState;
  readonly rows: RowLoader<InstanceView>;
  readonly selection: Selection;
  /** A row is chosen, or no longer; with `isRange` all from the last one up to it. */
  readonly onChoose: (index: number, isRange: boolean) => void;
  /** All that match are chosen, or none is any more. */
  readonly onChooseAll: (isAll: boolean) => void;
  readonly onOpen: (id: string) => void;
  /** The row to begin at. */
  readonly first: number;
}

/** Instances as a table of any length, of which only what is seen is drawn. One stop for the tab key; arrows go on from there. */
export function Grid({ list, rows, selection, onChoose, onChooseAll, onOpen, first }: GridProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const id = useId();
  const [current, setCurrent] = useState(first);
  rows.version.value; // what it has of the rows changes with it
  const total = rows.total ?? 0;
  const virtual = useVirtual(scroller, { count: total, first, head: ROW_HEIGHT });
  const width = virtual.scrollRect?.width ?? 0;
  const columns = useMemo(() => fitColumns(COLUMNS, width - CHOICE_WIDTH), [width]);
  const template = `${CHOICE_WIDTH}px ${gridTemplate(columns)}`;
  const items = virtual.getVirtualItems();
  const [from, to] = [items[0]?.index ?? first, items.at(-1)?.index ?? first];
  useEffect(() => rows.want(from, to), [rows, from, to]);

  // A row that leaves takes its element to one that comes: that is quicker than to make another.
  const slots = Math.ceil(items.length / SLOT_STEP) * SLOT_STEP;

  const goTo = (index: number) => {
    const next = Math.max(0, Math.min(index, total - 1));
    setCurrent(next);
    virtual.scrollToIndex(next, { align: 'auto' });
  };
  const open = (index: number) => {
    const row = rows.row(index);
    if (!row) return;
    setQuery({ row: index === 0 ? null : String(index) }, { replace: true }); // to come back to
    onOpen(row.id);
  };
  const perPage = Math.max(1, Math.floor((virtual.scrollRect?.height ?? 0) / ROW_HEIGHT) - 2);
  const onKeyDown = useGridKeys({ current, total, perPage, goTo, open, onChoose, onChooseAll });
  const click = (event: MouseEvent) => {
    const target = event.target as Element;
    const row = target.closest<HTMLElement>('[data-index]');
    if (!row) return;
    const index = Number(row.dataset.index);
    setCurrent(index);
    if (target.closest('a')) {
      setQuery({ row: index === 0 ? null : String(index) }, { replace: true });
      return;
    }
    if (target.closest('.choose') || event.shiftKey || event.ctrlKey || event.metaKey) {
      onChoose(index, event.shiftKey);
    }
  };
  return (
    <div
      ref={scroller}
      class="grid"
      role="grid"
      tabIndex={0}
      aria-label={`Instances, ${countText(total)} rows`}
      aria-rowcount={total + 1}
      aria-colcount={COLUMNS.length + 1}
      aria-multiselectable="true"
      aria-activedescendant={total > 0 ? `${id}-${current}` : undefined}
      style={{ '--columns': template, '--rows': `${virtual.getTotalSize() + 2}px` }}
      onKeyDown={onKeyDown}
      onClick={click}
      onDblClick={(event) => {
        const row = (event.target as Element).closest<HTMLElement>('[data-index]');
        if (row) open(Number(row.dataset.index));
      }}
      // A drag with shift chooses rows, and no text.
      onMouseDown={(event) => event.shiftKey && event.preventDefault()}
    >
      <div class="grid-rows" style={{ height: `${virtual.getTotalSize()}px` }}>
        <GridHead
          columns={columns}
          list={list}
          isAll={selection.isAll}
          isSome={selection.ids.size > 0}
          onChooseAll={onChooseAll}
        />
        {items.map(({ index, start }) => {
          const row = rows.row(index);
          return (
            <Row
              key={index % slots}
              id={`${id}-${index}`}
              index={index}
              top={start}
              row={row}
              columns={columns}
              isChosen={row === undefined ? selection.isAll : isChosen(selection, row.id)}
              isCurrent={index === current}
            />
          );
        })}
      </div>
    </div>
  );
}
