import type { HistoryMark } from '../../../api/views.ts';

/** Marks that would cover one another, as one. */
export interface MarkGroup {
  readonly marks: readonly HistoryMark[];
  /** Where it stands, in pixels from the left. */
  readonly left: number;
  readonly kind: HistoryMark['kind'];
  readonly count: number;
}

/** The gravest kind stands for its group. */
const GRAVEST: readonly HistoryMark['kind'][] = ['level', 'held', 'cap', 'deletion'];

/** Groups marks that stand closer together than `gap` pixels. `leftOf` gives a time's place; those outside are left out. */
export function groupMarks(
  marks: readonly HistoryMark[],
  leftOf: (at: number) => number,
  { gap, width }: { readonly gap: number; readonly width: number },
): readonly MarkGroup[] {
  const placed = marks
    .map((mark) => ({ mark, left: leftOf(Date.parse(mark.at)) }))
    .filter(({ left }) => left >= 0 && left <= width)
    .sort((a, b) => a.left - b.left);
  const groups: { marks: HistoryMark[]; left: number }[] = [];
  for (const { mark, left } of placed) {
    const last = groups.at(-1);
    if (last && left - last.left < gap) last.marks.push(mark);
    else groups.push({ marks: [mark], left });
  }
  return groups.map((group) => ({
    ...group,
    kind: GRAVEST.find((kind) => group.marks.some((mark) => mark.kind === kind)) ?? 'deletion',
    count: group.marks.reduce((sum, { count }) => sum + count, 0),
  }));
}
