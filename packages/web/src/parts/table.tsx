import type { ComponentChildren } from 'preact';

export interface Column<T> {
  readonly title: string;
  readonly render: (row: T) => ComponentChildren;
  /** Figures stand at the right. */
  readonly isFigure?: boolean;
  /** Left out below 640 px; the row's own page has it. */
  readonly isExtra?: boolean;
  /** Takes what width is left. */
  readonly isWide?: boolean;
}

export interface TableProps<T> {
  /** What it lists, for screen readers. */
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T) => string;
  /** Whether on a narrow screen each row is a card, rather than a row that scrolls sideways: for words, not for figures. */
  readonly isOfCards?: boolean;
  /** What is said in place of no rows: what would make one. */
  readonly empty: ComponentChildren;
}

/** A list of a few hundred rows at most, as a table. */
export function Table<T>({ caption, columns, rows, keyOf, isOfCards = false, empty }: TableProps<T>) {
  if (rows.length === 0) return <p class="empty">{empty}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways has to be reached by keyboard
    <section class="scroll" aria-label={caption} tabIndex={0}>
      <table class={isOfCards ? 'cards' : undefined}>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" class={classOf(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column) => (
                <td key={column.title} class={classOf(column)}>
                  {column.render(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function classOf<T>({ isFigure, isExtra, isWide }: Column<T>): string {
  return [isFigure && 'figure', isExtra && 'extra', isWide && 'wide'].filter(Boolean).join(' ');
}
