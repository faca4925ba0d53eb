import { formatDuration, isoTime } from '@spica/core';

/** An age for people, two units at most: `45s`, `12m5s`, `2d3h`. */
export function formatAge(ms: number): string {
  const unit = ms >= 86_400_000 ? 3_600_000 : ms >= 3_600_000 ? 60_000 : 1_000;
  return formatDuration(Math.max(0, Math.floor(ms / unit) * unit));
}

export function toIso(at: number | null | undefined): string | null {
  return at === null || at === undefined ? null : isoTime(at);
}
