import { signal } from '@preact/signals';
import { isVisible } from '../live/current.ts';
import { duration, moment, shortDuration, UNKNOWN, utc } from './format.ts';

/** The time, to the second, while somebody looks: ages on the page go on by themselves. */
export const now = signal(Date.now());
setInterval(() => {
  if (isVisible.value) now.value = Date.now();
}, 1_000);

/** A moment in the viewer's zone, with UTC on hover. `at` is ISO-8601; null shows a dash. */
export function Time({ at }: { readonly at: string | null | undefined }) {
  if (at == null) return <span>{UNKNOWN}</span>;
  const ms = Date.parse(at);
  return (
    <time class="num" dateTime={at} title={utc(ms)}>
      {moment(ms, now.value)}
    </time>
  );
}

/** How long ago something was, going on: `3 min 12 s`; `short`: `3 min`. */
export function Age({
  at,
  short = false,
}: {
  readonly at: string | null | undefined;
  readonly short?: boolean;
}) {
  if (at == null) return <span>{UNKNOWN}</span>;
  const ms = Date.parse(at);
  return (
    <time class="num" dateTime={at} title={utc(ms)}>
      {(short ? shortDuration : duration)(now.value - ms)}
    </time>
  );
}
