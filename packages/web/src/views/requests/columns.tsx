import type { RequestView } from '../../api/views.ts';
import { duration } from '../../parts/format.ts';
import { Progress } from '../../parts/progress.tsx';
import { Sentence } from '../../parts/sentence.tsx';
import type { Column } from '../../parts/table.tsx';
import { Age, now, Time } from '../../parts/time.tsx';
import { hrefTo } from '../../router/router.ts';
import { CancelButton } from './cancel.tsx';
import { askedFor, helpFor, reasonOf, sinceOf, standOf } from './stand.ts';

const request: Column<RequestView> = {
  title: 'Request',
  render: (row) => (
    <>
      <a href={hrefTo(`/requests/${row.id}`)}>{askedFor(row)}</a>
      <div class="soft id">{row.id}</div>
    </>
  ),
};
const by: Column<RequestView> = {
  title: 'By',
  isExtra: true,
  render: ({ request: asked }) => (
    <>
      <div class="name">{asked?.by ?? '–'}</div>
      {asked?.experiment && <div class="soft name">{asked.experiment}</div>}
    </>
  ),
};
const cancel: Column<RequestView> = { title: 'Actions', render: (row) => <CancelButton request={row} /> };

/** What waits, why, and what would help. */
export const WAITING: readonly Column<RequestView>[] = [
  { title: 'Place', isFigure: true, render: ({ position }) => position ?? '–' },
  request,
  { title: 'Waits', isFigure: true, render: (row) => <Age at={sinceOf(row)} /> },
  {
    title: 'Why, and what would help',
    isWide: true,
    render: (row) => (
      <>
        <p class="sentence-case">
          <Sentence text={reasonOf(row)} />
        </p>
        {helpFor(row) !== null && (
          <p class="soft sentence-case">
            <Sentence text={helpFor(row)} />
          </p>
        )}
        {row.progress?.phase === 'held' && (
          <p class="soft">
            Will be rejected at <Time at={row.progress.until} />, in{' '}
            {duration(Date.parse(row.progress.until) - now.value)}
          </p>
        )}
      </>
    ),
  },
  by,
  cancel,
];

export const UNDER_WAY: readonly Column<RequestView>[] = [
  request,
  { title: 'Since', isFigure: true, render: (row) => <Age at={sinceOf(row)} /> },
  {
    title: 'Come up',
    render: ({ spawned, of }) => <Progress done={spawned} of={of} />,
  },
  { title: 'What is being done', isWide: true, isExtra: true, render: reasonOf },
  by,
  cancel,
];

export const ENDED: readonly Column<RequestView>[] = [
  {
    title: 'Outcome',
    render: (row) => (
      <span class={`outcome ${standOf(row) === 'done' ? 'good' : 'bad'}`}>
        {standOf(row) === 'done'
          ? '✓ done'
          : `✕ ${row.failure?.code === 'REQUEST_CANCELLED' ? 'cancelled' : 'failed'}`}
      </span>
    ),
  },
  request,
  { title: 'Ended', isFigure: true, render: ({ endedAt }) => <Time at={endedAt} /> },
  {
    title: 'Took',
    isFigure: true,
    isExtra: true,
    render: ({ submittedAt, endedAt }) =>
      duration(
        submittedAt === null || endedAt === null ? null : Date.parse(endedAt) - Date.parse(submittedAt),
      ),
  },
  {
    title: 'What came of it',
    isWide: true,
    isExtra: true,
    render: (row) => <Sentence text={reasonOf(row)} />,
  },
  by,
];
