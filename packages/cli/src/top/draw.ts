import type { InstanceView, PoolView } from '@spica/client';
import { formatBytes } from '@spica/core';
import { formatAge } from '../output/age.ts';
import { fitColumns } from '../output/fit.ts';
import { oneLine } from '../output/one-line.ts';
import type { Paint } from '../output/paint.ts';
import { type Column, tableLines } from '../output/write.ts';
import type { OpenRequest, TopView } from './read.ts';
import type { TopState } from './state.ts';

export interface Screen {
  readonly columns: number;
  readonly rows: number;
}

/** Lines that are there whatever the pool has: title, verdict, disk, sums, two gaps, two titles, the table's head, the keys. */
const FIXED_ROWS = 10;
/** Of the screen that requests may take. */
const REQUEST_SHARE = 1 / 3;

/** Rows that a screen has for instances, with so many requests. */
export function roomFor({ rows }: Screen, requests: number): number {
  return Math.max(1, rows - FIXED_ROWS - shownRequests(rows, requests));
}

function shownRequests(rows: number, requests: number): number {
  return Math.min(requests, Math.max(1, Math.floor(rows * REQUEST_SHARE)));
}

/**
 * The whole screen as lines, no more than it has rows and none wider than it has columns.
 *
 * @param away Why what is shown is old; null where it is not.
 */
export function drawTop(
  view: TopView,
  state: TopState,
  { screen, paint, away, isLive }: { screen: Screen; paint: Paint; away: string | null; isLive: boolean },
): string[] {
  const { pool, requests } = view;
  const width = screen.columns;
  const fit = (text: string) => cut(oneLine(text), width);
  const shown = requests.slice(0, shownRequests(screen.rows, requests.length));
  const lines = [
    paint('bold', fit(titleOf(view, state))),
    away === null
      ? paint(COLOURS[pool.verdict.level], fit(`${MARKS[pool.verdict.level]} ${pool.verdict.sentence}`))
      : paint('red', fit(`as of ${timeOf(view.at)}: ${away}`)),
    drawDisk(pool, width, paint),
    fit(sumsOf(pool)),
    '',
    paint('bold', fit(requestsTitle(view, shown.length))),
    ...tableOf(REQUEST_COLUMNS, shown, width).slice(1),
    '',
    paint('bold', fit(instancesTitle(view, state))),
    ...drawInstances(view, width, paint),
  ].slice(0, isLive ? screen.rows - 1 : undefined);
  if (!isLive) return lines;
  while (lines.length < screen.rows - 1) lines.push('');
  return [
    ...lines,
    state.typing === null
      ? paint('dim', fit(KEYS))
      : fit(`/${state.typing}_   Enter keeps it, Esc shows all`),
  ];
}

const KEYS =
  'sort: c created s size a age l lease e experiment t template o score i id, r reverse  / search  p pause  q quit';

/** A level has a shape too: colours alone are not seen by everybody. */
const MARKS: Record<PoolView['verdict']['level'], string> = {
  safe: '●',
  watch: '▲',
  short: '◆',
  critical: '■',
  unknown: '?',
};
const COLOURS = { safe: 'green', watch: 'yellow', short: 'yellow', critical: 'red', unknown: 'dim' } as const;

function titleOf({ pool, at }: TopView, { isPaused }: TopState): string {
  const where = pool.host === null ? '' : ` on ${pool.host}`;
  return `spica top: pool ${pool.pool}${where}, ${timeOf(at)}${isPaused ? ' (paused: p goes on)' : ''}`;
}

/** What is used, and where the floor begins, on a line of its own. */
function drawDisk({ disk }: PoolView, width: number, paint: Paint): string {
  if (disk === null) return cut('disk: nobody has looked at it yet', width);
  const { totalBytes, availableBytes, floorBytes } = disk;
  const words = `${formatBytes(availableBytes)} of ${formatBytes(totalBytes)} available, floor ${formatBytes(floorBytes)}`;
  const room = Math.min(50, width - words.length - 8);
  if (room < 10) return cut(`disk: ${words}`, width);
  const partOf = (bytes: number) =>
    Math.round((Math.min(Math.max(bytes, 0), totalBytes) / totalBytes) * room);
  const used = partOf(totalBytes - availableBytes);
  const floorAt = Math.min(room - 1, partOf(totalBytes - floorBytes));
  const bar = Array.from({ length: room }, (_, i) => (i === floorAt ? '|' : i < used ? '#' : '.')).join('');
  const style = availableBytes < floorBytes ? 'red' : availableBytes < disk.targetBytes ? 'yellow' : 'green';
  return `disk [${paint(style, bar)}] ${words}`;
}

function sumsOf({ instances, maxInstances, ownBytes, reserved, growth }: PoolView): string {
  const most = maxInstances === null ? '' : ` of ${maxInstances}`;
  const slots = reserved.slots > 0 ? ` (${reserved.slots} more instances)` : '';
  return (
    `${instances}${most} instances, ${formatBytes(ownBytes)}; reserved ${formatBytes(reserved.bytes)}${slots}, ` +
    `growth ${formatBytes(growth.bytes)} still to come`
  );
}

function requestsTitle({ requests, pool }: TopView, shown: number): string {
  if (requests.length === 0) return 'REQUESTS  none is open';
  const count = (phase: OpenRequest['phase']) => requests.filter((each) => each.phase === phase).length;
  // Of a long line the pool names the first.
  const counts = { held: pool.heldCount, spawning: count('spawning'), waiting: count('waiting') };
  const said = Object.entries(counts).flatMap(([phase, n]) => (n > 0 ? [`${n} ${phase}`] : []));
  const all = counts.held + counts.spawning + counts.waiting;
  return `REQUESTS  ${said.join(', ')}${all > shown ? `; the first ${shown} of ${all}` : ''}`;
}

const REQUEST_COLUMNS: readonly Column<OpenRequest>[] = [
  { title: 'request', text: ({ id }) => id },
  { title: 'phase', text: ({ phase }) => phase },
  { title: 'of', text: ({ spawned, count }) => `${spawned}/${count}`, align: 'right' },
  { title: 'since', text: ({ since }) => ageOf(since), align: 'right' },
  {
    title: 'why',
    text: ({ reason, whatWouldHelp }) => (whatWouldHelp === null ? reason : `${whatWouldHelp}; ${reason}`),
  },
];

function instancesTitle({ total, instances }: TopView, { query, offset }: TopState): string {
  const from = instances.length === 0 ? 0 : offset + 1;
  const order = query.order === 'desc' ? 'descending' : 'ascending';
  const search = query.q === undefined ? '' : `, that have "${query.q}"`;
  return `INSTANCES  ${from}-${offset + instances.length} of ${total}${search}, by ${query.sort ?? 'spawned'} ${order}`;
}

function drawInstances({ instances, total, pool }: TopView, width: number, paint: Paint): string[] {
  if (instances.length > 0) {
    const [head = '', ...rows] = tableOf(INSTANCE_COLUMNS, instances, width);
    return [paint('inverse', head.padEnd(width)), ...rows];
  }
  const why =
    total > 0 ? 'no more' : pool.instances > 0 ? 'none matches' : 'none yet: `spica spawn` makes one';
  return [cut(why, width)];
}

const INSTANCE_COLUMNS: readonly Column<InstanceView>[] = [
  { title: 'id', text: ({ id }) => id },
  { title: 'experiment', rank: 1, text: ({ experiment }) => experiment ?? '-' },
  { title: 'template', rank: 3, text: ({ template }) => template },
  { title: 'age', text: ({ spawnedAt }) => ageOf(spawnedAt), align: 'right' },
  {
    title: 'size',
    text: ({ ownBytes }) => (ownBytes === null ? '-' : formatBytes(ownBytes)),
    align: 'right',
  },
  {
    title: 'goes',
    rank: 4,
    text: ({ goesAt }) => (goesAt === null ? '-' : `in ${leftOf(goesAt)}`),
    align: 'right',
  },
  { title: 'lease', rank: 2, text: (each) => sayHolder(each) },
  { title: 'rule', text: ({ rule }) => (rule === null ? '-' : `${rule.verdict}: ${rule.rule}`) },
];

function sayHolder({ lease, pin }: InstanceView): string {
  if (lease?.inForce) return `${lease.owner}, ${leftOf(lease.expiresAt)}`;
  return pin === null ? '-' : `pinned by ${pin.by}`;
}

/** A table's head and rows, within so many columns. */
function tableOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): string[] {
  return tableLines(fitColumns(columns, rows, { columns: width }), rows).map((line) => cut(line, width));
}

const timeOf = (iso: string) => `${iso.slice(11, 19)} UTC`;
const ageOf = (iso: string | null) => (iso === null ? '?' : formatAge(Date.now() - Date.parse(iso)));
const leftOf = (iso: string | null) => (iso === null ? '?' : formatAge(Date.parse(iso) - Date.now()));

function cut(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, Math.max(0, width - 1))}…` : text;
}
