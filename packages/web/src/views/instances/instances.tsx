import type { InstancePage as ListPage } from '@spica/client/wire';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { get } from '../../api/call.ts';
import { session } from '../../api/session.ts';
import { useCalm } from '../../api/use-calm.ts';
import type { InstanceView } from '../../api/views.ts';
import { live } from '../../live/current.ts';
import { countOf } from '../../parts/format.ts';
import { toast } from '../../parts/toasts.tsx';
import { hrefTo, navigate, poolName, query } from '../../router/router.ts';
import { Actions } from './actions/actions.tsx';
import type { Target } from './actions/target.ts';
import { Filters } from './filters.tsx';
import { Grid } from './grid.tsx';
import { describeFilter, isNarrowed, type ListState, readList, toApiQuery } from './list.ts';
import { RowLoader } from './row-loader.ts';
import {
  ALL_CHOSEN,
  extend,
  isEmpty,
  MOST_CHOSEN,
  NOTHING_CHOSEN,
  rangeTo,
  type Selection,
  toggle,
} from './selection.ts';

const VERBS = ['pin', 'unpin', 'release', 'verify', 'collect', 'sample', 'grow', 'prune'] as const;

/** All instances of the pool, however many: searched, filtered and sorted by the server, and what can be done with them. */
export function Instances() {
  const pool = poolName.value;
  const list = readList(query.value);
  // The pool, and what is listed in which order: a change of it is another list.
  const key = JSON.stringify([pool, list]);
  return (
    <>
      <h1 class="unseen">Instances</h1>
      <section class="panel instances" aria-label="Instances">
        <Filters list={list} />
        <List key={key} pool={pool} list={list} />
      </section>
    </>
  );
}

function List({ pool, list }: { readonly pool: string | null; readonly list: ListState }) {
  const rows = useRows(pool, list);
  const [selection, setSelection] = useState<Selection>(NOTHING_CHOSEN);
  const first = Number(query.peek().get('row') ?? 0) || 0;
  const choose = async (index: number, isRange: boolean) => {
    const row = rows.row(index);
    if (!isRange) {
      if (row) setSelection((before) => toggle(before, row.id, index));
      return;
    }
    const [from, to] = rangeTo(selection, index);
    if (to - from >= MOST_CHOSEN) {
      toast('bad', `At most ${MOST_CHOSEN} can be chosen one by one: filter them, and choose all that match`);
      return;
    }
    const more = await rows.range(from, to);
    setSelection((before) =>
      extend(
        before,
        more.map(({ id }) => id),
        index,
      ),
    );
  };
  return (
    <>
      <Chosen list={list} rows={rows} selection={selection} onChange={setSelection} />
      {rows.error.value !== null && (
        <p class="error" role="alert">
          {rows.total === null ? rows.error.value : `Not up to date: ${rows.error.value}`}
        </p>
      )}
      <Body
        rows={rows}
        list={list}
        first={first}
        selection={selection}
        onChoose={choose}
        onChooseAll={(isAll) => setSelection(isAll ? ALL_CHOSEN : NOTHING_CHOSEN)}
      />
    </>
  );
}

/** Loads what is looked at, and again whenever instances have changed. */
function useRows(pool: string | null, list: ListState): RowLoader<InstanceView> {
  const changes = useCalm(live.value?.instances.value ?? 0);
  const rows = useMemo(
    () =>
      new RowLoader<InstanceView>((offset, limit, signal) =>
        get<ListPage>('/v1/instances', { query: { ...toApiQuery(list), pool, offset, limit }, signal }),
      ),
    [],
  );
  useEffect(() => () => rows.stop(), []);
  useEffect(() => rows.refresh(), [changes]);
  return rows;
}

function Body(props: Parameters<typeof GridOf>[0]) {
  const { rows, list } = props;
  rows.version.value;
  if (rows.total === null) return rows.error.value === null ? <p class="loading tall">Loading…</p> : null;
  if (rows.total > 0) return <GridOf {...props} />;
  return (
    <p class="empty tall">
      {isNarrowed(list) ? (
        <>No instance {describeFilter(list.filter)}.</>
      ) : (
        <>
          No instances yet. <code>spica spawn</code> makes one.
        </>
      )}
    </p>
  );
}

function GridOf(props: Omit<Parameters<typeof Grid>[0], 'onOpen'>) {
  return <Grid {...props} onOpen={(id) => navigate(hrefTo(`/instances/${id}`))} />;
}

/** How many there are, or are chosen, and what can be done with those. */
function Chosen({
  list,
  rows,
  selection,
  onChange,
}: {
  readonly list: ListState;
  readonly rows: RowLoader<InstanceView>;
  readonly selection: Selection;
  readonly onChange: (next: Selection) => void;
}) {
  rows.version.value;
  const total = rows.total ?? 0;
  const target: Target = selection.isAll ? { match: list.filter, total } : { ids: [...selection.ids] };
  const words = describeFilter(list.filter);
  const caller = session.value?.caller;
  return (
    <div class="chosen-bar">
      <p role="status">
        {rows.total === null
          ? ' '
          : selection.isAll
            ? `All ${countOf(total, 'instance')} chosen`
            : selection.ids.size > 0
              ? `${countOf(selection.ids.size, 'instance')} chosen`
              : countOf(total, 'instance')}
        {words !== '' && (selection.isAll || selection.ids.size === 0) && <span class="soft"> {words}</span>}
      </p>
      {isEmpty(selection) ? (
        total > 0 && (
          <button type="button" class="button quiet" onClick={() => onChange(ALL_CHOSEN)}>
            Choose all that match
          </button>
        )
      ) : (
        <>
          <Actions
            target={target}
            verbs={VERBS}
            isOwn={selection.isAll || caller?.role === 'runner'}
            onDone={() => onChange(NOTHING_CHOSEN)}
          />
          {!selection.isAll && total > selection.ids.size && (
            <button type="button" class="button quiet" onClick={() => onChange(ALL_CHOSEN)}>
              Choose all that match
            </button>
          )}
          <button type="button" class="button quiet" onClick={() => onChange(NOTHING_CHOSEN)}>
            Choose none
          </button>
        </>
      )}
    </div>
  );
}
