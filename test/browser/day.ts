import type { DiskPoint, HistoryMark } from '@spica/core';

const HOUR_MS = 3_600_000;
const STEP_MS = 4 * 60_000;
const MB = 1e6;

/**
 * The day that a pool had until now, on a disk of such a size: instances come in batches, grow, and go; what was deleted
 * stays in the trash for a while. Oldest first.
 */
export function aDay({
  totalBytes,
  availableBytes,
}: {
  totalBytes: number;
  availableBytes: number;
}): DiskPoint[] {
  const now = Date.now();
  const othersBytes = totalBytes - availableBytes;
  const points: DiskPoint[] = [];
  for (let at = now - 24 * HOUR_MS; at < now - STEP_MS; at += STEP_MS) {
    const hoursAgo = (now - at) / HOUR_MS;
    const hour = 24 - hoursAgo;
    const instancesBytes = MB * (instancesAt(hour) + 14 * Math.sin(hour * 5.1) + 9 * Math.sin(hour * 13));
    const trashBytes = MB * trashAt(hour);
    const templatesBytes = 24 * MB;
    points.push({
      at,
      availableBytes: availableBytes - instancesBytes - trashBytes - templatesBytes,
      instancesBytes,
      trashBytes,
      templatesBytes,
      othersBytes,
      growthBytes: MB * (90 + 60 * Math.sin(hoursAgo / 1.7)),
      reservedBytes: MB * Math.max(0, 70 * Math.sin(hoursAgo / 0.9)),
      hostAvailableBytes: null,
    });
  }
  return points;
}

/** How such a day ends, with so much available: the rest is instances'. */
export function pointNow(day: readonly DiskPoint[], availableBytes: number): DiskPoint {
  const last = day.at(-1);
  if (!last) throw new Error('a day has points');
  const instancesBytes = last.availableBytes + last.instancesBytes - availableBytes;
  return { ...last, at: Date.now(), instancesBytes, availableBytes };
}

/** Of the day's hours: a sweep in the morning, one at noon that is pruned, and a slow rise since. */
function instancesAt(hour: number): number {
  if (hour < 5) return 430 + 34 * hour;
  if (hour < 13) return 290 + 52 * (hour - 5);
  return 470 + 40 * (hour - 13);
}

function trashAt(hour: number): number {
  const since = Math.min(
    ...[5, 13].map((deleted) => (hour >= deleted ? hour - deleted : Number.POSITIVE_INFINITY)),
  );
  return Math.max(0, 240 - 200 * since);
}

const mark = (kind: HistoryMark['kind'], hoursAgo: number, count: number, text: string): HistoryMark => {
  const at = Date.now() - hoursAgo * HOUR_MS;
  return { kind, since: at, at, count, bytes: 0, worst: kind === 'level' ? 'low' : null, text, seq: 1 };
};

export const MARKS: readonly HistoryMark[] = [
  mark('deletion', 19, 12, '12 instances were deleted: older than 3 days'),
  mark('held', 11.6, 1, 'request req-5d0a71c29b14 is held: 61.0 MB short'),
  mark('deletion', 11, 9, '9 instances were deleted to make room for req-5d0a71c29b14'),
  mark('level', 2.5, 1, 'pressure on the disk: ok → low'),
];
