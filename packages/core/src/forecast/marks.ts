import { isWorse, PRESSURE_LEVELS, type PressureLevel } from '../pressure/level.ts';
import { formatBytes } from '../units/bytes.ts';
import { REMEMBERED_MS, spacingAt } from './history.ts';

/** Something that happened to a pool, for a chart of its disk. Those that lie close together are one. */
export interface HistoryMark {
  /** `cap`: an instance came to its cap, or grew beyond `max_instance_gb`. */
  readonly kind: 'deletion' | 'held' | 'level' | 'cap';
  /** When the first and the last of them happened, epoch milliseconds. */
  readonly since: number;
  readonly at: number;
  readonly count: number;
  /** That deletions brought back, as far as known. */
  readonly bytes: number;
  /** Of changes of level: the worst that was entered; else null. */
  readonly worst: PressureLevel | null;
  readonly text: string;
  /** Number of the last one in the audit log. */
  readonly seq: number;
}

/** What of a line of the audit log a mark follows from. */
export interface Marked {
  readonly seq: number;
  /** ISO-8601. */
  readonly timestamp: string;
  readonly action: string;
  readonly outcome: string;
  readonly instance: string | null;
  readonly request: string | null;
  readonly reason: string | null;
  readonly bytes: number | null;
}

const MOST_TEXT = 300;

/** The mark of one line; null for what is none: intents and the emptying of the trash are told by the deletion itself. */
export function markOf(entry: Marked): HistoryMark | null {
  const told = tell(entry);
  const at = Date.parse(entry.timestamp);
  if (told === null || Number.isNaN(at)) return null;
  const { text, ...rest } = told;
  const short = text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text;
  return { bytes: 0, worst: null, ...rest, since: at, at, count: 1, text: short, seq: entry.seq };
}

function tell({ action, outcome, instance, request, reason, bytes }: Marked) {
  const why = reason === null ? '' : `: ${reason}`;
  switch (action) {
    case 'delete_instance':
      if (outcome !== 'trashed') return null;
      return { kind: 'deletion', bytes: bytes ?? 0, text: `${instance} was deleted${why}` } as const;
    case 'hold_request':
      return { kind: 'held', text: `request ${request} is held${why}` } as const;
    case 'pressure': {
      const worst = PRESSURE_LEVELS.find((level) => outcome.endsWith(`→ ${level}`)) ?? null;
      return { kind: 'level', worst, text: `pressure on the disk: ${outcome}${why}` } as const;
    }
    case 'oversize':
      if (outcome === 'no longer') return null;
      return { kind: 'cap', text: `${instance} ${sayCap(outcome)}${why}` } as const;
    default:
      return null;
  }
}

function sayCap(outcome: string): string {
  return outcome === 'at its cap' ? 'came to its cap' : 'grew beyond max_instance_gb';
}

/** Marks may lie so much further apart than points: each has a text. */
const COARSER = 4;

/**
 * The marks with some more, oldest first. Those of a kind that lie close together for their age become one, so that a month
 * of them takes some hundreds, however much happened; what is older than the history goes.
 */
export function addMarks(
  marks: readonly HistoryMark[],
  added: readonly HistoryMark[],
  now: number,
): HistoryMark[] {
  const all = [...marks, ...added]
    .filter(({ at }) => at > now - REMEMBERED_MS)
    .sort((a, b) => a.at - b.at || a.seq - b.seq);
  const kept: HistoryMark[] = [];
  const last = new Map<HistoryMark['kind'], number>();
  for (const mark of all) {
    const place = last.get(mark.kind);
    const before = place === undefined ? undefined : kept[place];
    if (place !== undefined && before && mark.at - before.since <= COARSER * spacingAt(now - mark.at)) {
      kept[place] = join(before, mark);
    } else {
      last.set(mark.kind, kept.push(mark) - 1);
    }
  }
  return kept.sort((a, b) => a.at - b.at || a.seq - b.seq);
}

function join(a: HistoryMark, b: HistoryMark): HistoryMark {
  const count = a.count + b.count;
  const bytes = a.bytes + b.bytes;
  const worst = a.worst !== null && (b.worst === null || isWorse(a.worst, b.worst)) ? a.worst : b.worst;
  return { ...b, since: a.since, count, bytes, worst, text: sayMany({ kind: b.kind, count, bytes, worst }) };
}

function sayMany({
  kind,
  count,
  bytes,
  worst,
}: Pick<HistoryMark, 'kind' | 'count' | 'bytes' | 'worst'>): string {
  switch (kind) {
    case 'deletion':
      return `${count} instances were deleted, ${formatBytes(bytes)}`;
    case 'held':
      return `${count} requests were held`;
    case 'level':
      return `the pressure on the disk changed ${count} times, at worst to ${worst}`;
    case 'cap':
      return `${count} times an instance came to its cap, or grew beyond max_instance_gb`;
  }
}
