import { useState } from 'preact/hooks';
import type { HistoryMark } from '../../../api/views.ts';
import { countOf } from '../../../parts/format.ts';
import { Time } from '../../../parts/time.tsx';
import { hrefTo } from '../../../router/router.ts';
import { groupMarks, type MarkGroup } from './marks.ts';

/** Where a plot's time axis is, in pixels and epoch ms. */
export interface PlotBox {
  readonly left: number;
  readonly width: number;
  readonly height: number;
  readonly from: number;
  readonly to: number;
}

const SHAPES: Readonly<Record<HistoryMark['kind'], string>> = {
  deletion: '▼',
  held: '◆',
  level: '■',
  cap: '●',
};
const NOUNS: Readonly<Record<HistoryMark['kind'], string>> = {
  deletion: 'deletion',
  held: 'held request',
  level: 'change of level',
  cap: 'cap hit',
};
const GAP = 20;
/** Around a mark, what the audit log shows of it. */
const AROUND_MS = 60_000;

/** Above the plot, what happened when; a click tells what. */
export function Marks({ marks, box }: { readonly marks: readonly HistoryMark[]; readonly box: PlotBox }) {
  const [chosen, setChosen] = useState<string | null>(null);
  const leftOf = (at: number) => ((at - box.from) / (box.to - box.from)) * box.width;
  const groups = groupMarks(marks, leftOf, { gap: GAP, width: box.width });
  const shown = groups.find((group) => keyOf(group) === chosen);
  return (
    <>
      <div class="marks" style={{ marginLeft: `${box.left}px`, width: `${box.width}px` }}>
        {groups.map((group) => {
          const key = keyOf(group);
          const text = textOf(group);
          return (
            <button
              key={key}
              type="button"
              class={`mark ${group.kind}`}
              style={{ left: `${group.left}px`, '--reach': `${box.height}px` }}
              aria-expanded={key === chosen}
              aria-label={text}
              title={text}
              onClick={() => setChosen(key === chosen ? null : key)}
            >
              {SHAPES[group.kind]}
            </button>
          );
        })}
      </div>
      {shown && <Detail marks={shown.marks} onClose={() => setChosen(null)} />}
    </>
  );
}

function Detail({
  marks,
  onClose,
}: {
  readonly marks: readonly HistoryMark[];
  readonly onClose: () => void;
}) {
  const times = marks.map(({ at }) => Date.parse(at));
  const since = new Date(Math.min(...times) - AROUND_MS).toISOString();
  const until = new Date(Math.max(...times) + AROUND_MS).toISOString();
  return (
    <div class="mark-detail">
      <ul>
        {marks.map(({ at, kind, text }) => (
          <li key={`${at} ${text}`}>
            <span class={`mark-shape ${kind}`} aria-hidden="true">
              {SHAPES[kind]}
            </span>{' '}
            <Time at={at} /> {text}
          </li>
        ))}
      </ul>
      <p>
        <a href={hrefTo('/audit', { since, until })}>In the audit log</a>
        <button type="button" class="button quiet" onClick={onClose}>
          Close
        </button>
      </p>
    </div>
  );
}

function keyOf({ marks }: MarkGroup): string {
  return `${marks[0]?.at} ${marks[0]?.kind}`;
}

function textOf({ marks, kind, count }: MarkGroup): string {
  if (marks.length === 1) return marks[0]?.text ?? '';
  const isOfOneKind = marks.every((mark) => mark.kind === kind);
  return isOfOneKind
    ? countOf(count, NOUNS[kind])
    : `${countOf(marks.length, 'event')}, among them a ${NOUNS[kind]}`;
}
