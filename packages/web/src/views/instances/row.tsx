// biome-ignore-all lint/a11y/useSemanticElements: a grid whose rows are not all there cannot be a table
// biome-ignore-all lint/a11y/useFocusableInteractive: the grid has the focus, and says which row is current
import { Component } from 'preact';
import type { InstanceView } from '../../api/views.ts';
import type { GridColumn } from './columns.tsx';

export interface RowProps {
  readonly id: string;
  readonly index: number;
  /** Pixels from the top of the list. */
  readonly top: number;
  /** Undefined until it is loaded. */
  readonly row: InstanceView | undefined;
  readonly columns: readonly GridColumn[];
  readonly isChosen: boolean;
  readonly isCurrent: boolean;
}

/** One row of the list. It is drawn again only when something of it has changed: while the list scrolls, none is. */
export class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const { props } = this;
    return (Object.keys(next) as (keyof RowProps)[]).some((name) => next[name] !== props[name]);
  }

  override render() {
    const { id, index, top, row, columns, isChosen, isCurrent } = this.props;
    return (
      <div
        role="row"
        id={id}
        class={`row ${isChosen ? 'chosen' : ''} ${isCurrent ? 'current' : ''}`}
        style={{ transform: `translateY(${top}px)` }}
        data-index={index}
        aria-rowindex={index + 2}
        aria-selected={isChosen}
      >
        <div role="gridcell" class="choose">
          <input
            type="checkbox"
            tabIndex={-1}
            checked={isChosen}
            disabled={!row}
            aria-label={row ? `Choose ${row.id}` : 'Not loaded yet'}
          />
        </div>
        {columns.map(({ name, isFigure, render, hover }) => (
          <div
            key={name}
            role="gridcell"
            class={isFigure ? 'cell figure' : 'cell'}
            title={row && hover?.(row)}
          >
            {row ? render(row) : <span class="blank" />}
          </div>
        ))}
      </div>
    );
  }
}
