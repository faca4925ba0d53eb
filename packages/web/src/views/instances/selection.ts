/** Which rows of a list are chosen: some, by their ids, or all that match, however many there are. */
export interface Selection {
  readonly isAll: boolean;
  readonly ids: ReadonlySet<string>;
  /** The index of the row that was chosen last: a range reaches from it. */
  readonly anchor: number | null;
}

export const NOTHING_CHOSEN: Selection = { isAll: false, ids: new Set(), anchor: null };
export const ALL_CHOSEN: Selection = { isAll: true, ids: new Set(), anchor: null };

/** Most that can be named in one action; more can be chosen as all that match. */
export const MOST_CHOSEN = 10_000;

export function isChosen({ isAll, ids }: Selection, id: string): boolean {
  return isAll || ids.has(id);
}

export function isEmpty({ isAll, ids }: Selection): boolean {
  return !isAll && ids.size === 0;
}

/** One row more, or less. After all that match, a row is chosen by itself. */
export function toggle({ isAll, ids }: Selection, id: string, index: number): Selection {
  if (isAll) return { isAll: false, ids: new Set([id]), anchor: index };
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return { isAll: false, ids: next, anchor: index };
}

/** The rows from the one that was chosen last up to this one, both included. */
export function rangeTo({ anchor }: Selection, index: number): readonly [from: number, to: number] {
  const from = anchor ?? index;
  return [Math.min(from, index), Math.max(from, index)];
}

/** Those rows as well; where the range begins stays, so that it can be drawn further. */
export function extend({ isAll, ids, anchor }: Selection, more: readonly string[], index: number): Selection {
  return { isAll: false, ids: new Set([...(isAll ? [] : ids), ...more]), anchor: anchor ?? index };
}
