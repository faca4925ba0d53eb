import type { Pressure, PublishedGate } from '@spica/catalog';
import { describeCause, forecastAfter, isoTime, verdictOf } from '@spica/core';
import type { VerdictView } from '../view.ts';

/** How a pool stands in a sentence, by what its worker has published: the same for the page and for `spica status`. */
export function toVerdict({
  published,
  pressure,
  clockSuspended,
  served,
  now,
}: {
  readonly published: PublishedGate | null;
  readonly pressure: Pressure | null;
  readonly clockSuspended: string | null;
  readonly served: boolean | null;
  /** Epoch milliseconds. */
  readonly now: number;
}): VerdictView {
  const disk = published?.disk ?? null;
  const { level, sentence, until } = verdictOf({
    now,
    served,
    at: published?.at ?? null,
    disk,
    imageHost: disk?.imageHost ?? null,
    pressure,
    forecast: disk ? forecastAfter(disk.forecast, now - disk.at) : { trend: 'unknown' },
    held: { count: published?.heldCount ?? 0, head: published?.held[0] ?? null },
    worries: published ? worriesOf(published, clockSuspended) : [],
  });
  return { level, sentence, until: until === null ? null : isoTime(until) };
}

/** What wants to be looked at although nobody waits, the worst first. */
function worriesOf({ audit, limits }: PublishedGate, clockSuspended: string | null): string[] {
  return [
    ...(audit?.problem ? [`the chain of the audit log does not hold (${audit.problem})`] : []),
    ...(limits.breaker.openedAt === null ? [] : [`all requests are held, ${describeCause(limits.breaker)}`]),
    ...(clockSuspended === null
      ? []
      : [`nothing goes for its age, as the clock is not trusted (${clockSuspended})`]),
  ];
}
