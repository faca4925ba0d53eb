import type { PoolWork, WorkEvent } from '../observe/work-event.ts';
import { isWorse, stopsSpawns } from '../pressure/level.ts';
import { formatBytes } from '../units/bytes.ts';
import { isoTime } from '../units/time.ts';
import type { NotifyEvent } from './events.ts';

/** One instance, or one thing, that a notice is about. */
export interface NoticeItem {
  readonly text: string;
  readonly instance?: string;
  readonly experiment?: string | null;
  /** Who submitted it. */
  readonly by?: string | null;
  /** ISO-8601 UTC. */
  readonly goesAt?: string;
}

/** What somebody may want to be told. */
export interface Notice {
  readonly event: NotifyEvent;
  /** Null for what concerns all pools of a process. */
  readonly pool: string | null;
  /** `over`: what was told before has ended. */
  readonly state: 'on' | 'over';
  readonly items: readonly NoticeItem[];
}

type Of<Kind extends PoolWork['kind']> = Extract<WorkEvent, { readonly kind: Kind }>;

/** What of an event is to be told, by what was told last: a chain that stays broken is told of once. */
export function createNotices(): (event: WorkEvent) => Notice[] {
  let brokenIn = 0;
  return (event) => {
    switch (event.kind) {
      case 'pressure':
        return ofPressure(event);
      case 'held-over':
        return [one('held_over', event.pool, event.reason, event.requests > 0)];
      case 'oversize': {
        const item = { text: `${event.instance}: ${event.reason}`, instance: event.instance };
        return [{ event: event.isAtCap ? 'cap' : 'oversize', pool: event.pool, state: 'on', items: [item] }];
      }
      case 'deleted':
        return ofDeletions(event);
      case 'departing':
        return ofDepartures(event);
      case 'audit-checked': {
        const before = brokenIn;
        brokenIn = event.problems.length;
        if (brokenIn > before) return [ofChain(event.problems)];
        return before > 0 && brokenIn === 0
          ? [one('audit_broken', null, 'its chain holds again', false)]
          : [];
      }
      default:
        return [];
    }
  };
}

function one(event: NotifyEvent, pool: string | null, text: string, isOn: boolean): Notice {
  return { event, pool, state: isOn ? 'on' : 'over', items: [{ text }] };
}

/** The worst that has begun or ended is told: who is told that the disk is critical knows that it is short. */
function ofPressure({ pool, level, before, reason }: Of<'pressure'>): Notice[] {
  const isCritical = stopsSpawns(level);
  if (isCritical && level !== before) return [one('critical', pool, `${level}: ${reason}`, true)];
  if (level === 'short' && !stopsSpawns(before)) return [one('short', pool, reason, true)];
  const notices: Notice[] = [];
  if (stopsSpawns(before)) notices.push(one('critical', pool, `${level} again: ${reason}`, false));
  if (isWorse(before, 'low') && !isWorse(level, 'low'))
    notices.push(one('short', pool, `${level} again: ${reason}`, false));
  return notices;
}

/** What an undo removes was nobody's yet. */
function ofDeletions({ pool, instances }: Of<'deleted'>): Notice[] {
  const items = instances
    .filter(({ rule }) => rule !== 'undo')
    .map(({ id, rule, reason, bytes }) => {
      const size = bytes === null ? '' : `, ${formatBytes(bytes)}`;
      return { text: `${id} (${rule}: ${reason}${size})`, instance: id };
    });
  return items.length > 0 ? [{ event: 'deleted', pool, state: 'on', items }] : [];
}

function ofDepartures({ pool, instances }: Of<'departing'>): Notice[] {
  const items = instances.map(({ id, experiment, by, goesAt, reason }) => {
    const whose = [experiment && `experiment ${experiment}`, by && `of ${by}`].filter(Boolean).join(', ');
    const text = `${id}${whose && ` (${whose})`}: ${reason}`;
    return { text, instance: id, experiment, by, goesAt: isoTime(goesAt) };
  });
  return items.length > 0 ? [{ event: 'deletes_soon', pool, state: 'on', items }] : [];
}

/** Paths and places of the log; never what its lines say. */
function ofChain(problems: readonly string[]): Notice {
  const items = problems.slice(0, 3).map((text) => ({ text }));
  return { event: 'audit_broken', pool: null, state: 'on', items };
}
