import type { ComponentChildren } from 'preact';
import type { InstanceView } from '../../api/views.ts';
import { bytes, shortDuration, UNKNOWN } from '../../parts/format.ts';
import { Sentence } from '../../parts/sentence.tsx';
import { Age, now } from '../../parts/time.tsx';
import { hrefTo } from '../../router/router.ts';
import type { Fitted } from './fit.ts';
import type { Sort } from './list.ts';
import { Sparkline } from './sparkline.tsx';

export interface GridColumn extends Fitted {
  readonly name: string;
  readonly title: string;
  /** Null where the list cannot be sorted by it. */
  readonly sort: Sort | null;
  readonly isFigure?: boolean;
  readonly render: (row: InstanceView) => ComponentChildren;
  /** In full, on hover. */
  readonly hover?: (row: InstanceView) => string | undefined;
}

/** For the box that chooses a row. */
export const CHOICE_WIDTH = 30;

/** All that a list can show, from left to right. Where it is narrow, the highest ranks are left out. */
export const COLUMNS: readonly GridColumn[] = [
  {
    name: 'id',
    title: 'Instance',
    sort: 'id',
    width: 162,
    grow: 0,
    rank: 0,
    render: ({ id }) => (
      <a class="id" href={hrefTo(`/instances/${id}`)} tabIndex={-1}>
        {id}
      </a>
    ),
  },
  {
    name: 'experiment',
    title: 'Experiment',
    sort: 'experiment',
    width: 120,
    grow: 2,
    rank: 5,
    render: ({ experiment }) => experiment ?? <None />,
    hover: ({ experiment }) => experiment ?? undefined,
  },
  {
    name: 'template',
    title: 'Template',
    sort: 'template',
    width: 92,
    grow: 1,
    rank: 9,
    render: ({ template }) => template,
    hover: ({ template, templateVersion }) => `${template} ${templateVersion}`,
  },
  {
    name: 'age',
    title: 'Age',
    sort: 'age',
    width: 64,
    grow: 0,
    rank: 3,
    isFigure: true,
    render: ({ spawnedAt }) => <Age at={spawnedAt} short />,
  },
  {
    name: 'size',
    title: 'Size',
    sort: 'size',
    width: 80,
    grow: 0,
    rank: 1,
    isFigure: true,
    render: ({ ownBytes }) => bytes(ownBytes),
    hover: ({ ownBytes, expected }) =>
      ownBytes === null
        ? 'Not measured yet'
        : `Its own, which its deletion frees${expected ? `; expected to become ${bytes(expected.bytes)}` : ''}`,
  },
  {
    name: 'trend',
    title: 'Trend',
    sort: null,
    width: 76,
    grow: 0,
    rank: 8,
    render: ({ sizes }) => <Sparkline sizes={sizes} />,
  },
  {
    name: 'cap',
    title: 'Cap',
    sort: null,
    width: 82,
    grow: 0,
    rank: 11,
    isFigure: true,
    render: ({ capBytes }) => (capBytes === null ? <None /> : bytes(capBytes)),
  },
  {
    name: 'held',
    title: 'Lease or pin',
    sort: 'lease',
    width: 150,
    grow: 2,
    rank: 6,
    render: (row) => <Held row={row} />,
    hover: ({ lease, pin }) =>
      [
        pin && `Pinned by ${pin.by}: ${pin.why}`,
        lease && `${lease.inForce ? 'Leased' : 'Last leased'} by ${lease.owner} until ${lease.expiresAt}`,
      ]
        .filter(Boolean)
        .join('\n') || undefined,
  },
  {
    name: 'score',
    title: 'Score',
    sort: 'score',
    width: 74,
    grow: 0,
    rank: 7,
    isFigure: true,
    render: ({ score }) => (score === null ? <None /> : scoreText(score)),
  },
  {
    name: 'work',
    title: 'Work',
    sort: null,
    width: 86,
    grow: 0,
    rank: 10,
    render: ({ unsaved }) => (unsaved === null ? <None /> : <span class="tag watch">unsaved</span>),
    hover: ({ unsaved }) => unsaved ?? undefined,
  },
  {
    name: 'rule',
    title: 'Rule',
    sort: null,
    width: 84,
    grow: 0,
    rank: 2,
    render: (row) => <RuleWord row={row} />,
    hover: ({ rule }) => rule?.sentence,
  },
  {
    name: 'why',
    title: 'Why it stays or goes',
    sort: null,
    width: 188,
    grow: 5,
    rank: 4,
    render: ({ rule }) => (
      <span class="soft">
        <Sentence text={rule?.sentence} />
      </span>
    ),
    hover: ({ rule }) => rule?.sentence,
  },
];

function None() {
  return <span class="soft">{UNKNOWN}</span>;
}

/** Of a score as many digits as fit. */
export function scoreText(score: number): string {
  return Number.isInteger(score) && Math.abs(score) < 1e6 ? String(score) : score.toPrecision(4);
}

/** Who has it kept: a pin is for good, a lease until it ends. */
function Held({ row: { pin, lease } }: { readonly row: InstanceView }) {
  if (pin) {
    return (
      <>
        <span class="tag">pin</span> {pin.by}
      </>
    );
  }
  if (!lease?.inForce) return <None />;
  return (
    <>
      <span class="tag">{lease.expiresAt && shortDuration(Date.parse(lease.expiresAt) - now.value)}</span>{' '}
      {lease.owner}
    </>
  );
}

/** What the rules do with it, told by shape and colour. */
export function RuleWord({ row: { rule, state } }: { readonly row: InstanceView }) {
  if (state === 'deleting') return <span class="soft">going</span>;
  if (rule === null) return <None />;
  const goes = rule.verdict === 'goes';
  return (
    <span class={`verdict-word ${goes ? 'goes' : 'keeps'}`}>
      <span aria-hidden="true">{goes ? '✕' : '✓'}</span> {goes ? 'goes' : 'stays'}
    </span>
  );
}
