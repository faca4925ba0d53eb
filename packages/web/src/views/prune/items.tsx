import { useState } from 'preact/hooks';
import { bytes, count } from '../../parts/format.ts';
import { Sentence } from '../../parts/sentence.tsx';
import { Table } from '../../parts/table.tsx';
import { hrefTo } from '../../router/router.ts';
import type { PlannedItem } from './plan-view.ts';

const FIRST = 50;

/** What goes and what stays, each with its reason: the first ones, and more on demand. */
export function PlanItems({ items }: { readonly items: readonly PlannedItem[] }) {
  const goes = items.filter(({ action }) => action === 'delete');
  const stays = items.filter(({ action }) => action === 'keep');
  return (
    <>
      {goes.length > 0 && <Items title="Goes" items={goes} isOpen />}
      {stays.length > 0 && <Items title="Stays" items={stays} isOpen={false} />}
    </>
  );
}

function Items({
  title,
  items,
  isOpen,
}: {
  readonly title: string;
  readonly items: readonly PlannedItem[];
  readonly isOpen: boolean;
}) {
  const [most, setMost] = useState(FIRST);
  return (
    <details class="plan-items" open={isOpen}>
      <summary>
        {title}: {count(items.length)}
      </summary>
      <Table
        caption={title}
        columns={[
          {
            title: 'Instance',
            render: ({ id }) => (
              <a class="id" href={hrefTo(`/instances/${id}`)}>
                {id}
              </a>
            ),
          },
          { title: 'Frees', isFigure: true, render: (item) => bytes(item.bytes) },
          { title: 'Rule', isExtra: true, render: ({ rule }) => <code>{rule}</code> },
          { title: 'Why', isWide: true, render: ({ reason }) => <Sentence text={reason} /> },
        ]}
        rows={items.slice(0, most)}
        keyOf={({ id }) => id}
        isOfCards
        empty="None."
      />
      {items.length > most && (
        <p>
          <button type="button" class="button plain" onClick={() => setMost(most * 4)}>
            Show more of {count(items.length - most)}
          </button>
        </p>
      )}
    </details>
  );
}
