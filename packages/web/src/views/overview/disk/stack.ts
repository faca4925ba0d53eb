import type { DiskHistory, DiskPoint } from '../../../api/views.ts';

/** What a disk is taken by, from the bottom of the stack to its top. What is promised stands in what is free. */
export const PARTS = ['others', 'templates', 'trash', 'instances', 'growth', 'reserved', 'free'] as const;
export type Part = (typeof PARTS)[number];

type Figures = Readonly<Record<Part, number>>;

/** The parts of a disk at one moment, in bytes. Their sum is the disk; what is promised beyond what is free is left out. */
export function partsOf(point: DiskPoint): Figures {
  const growth = Math.min(point.growthBytes, point.availableBytes);
  const reserved = Math.min(point.reservedBytes, point.availableBytes - growth);
  return {
    others: point.othersBytes,
    templates: point.templatesBytes,
    trash: point.trashBytes,
    instances: point.instancesBytes,
    growth,
    reserved,
    free: point.availableBytes - growth - reserved,
  };
}

export interface Stack {
  /** Epoch ms: those of the points, then those of the forecast. */
  readonly at: readonly number[];
  /** The upper edge of each part, in bytes from the bottom; null in the forecast, and for a part that is hidden. */
  readonly tops: Readonly<Record<Part, readonly (number | null)[]>>;
  /** How high the disk may be filled: up to the floor, and up to the target; null where they are not known. */
  readonly floor: readonly (number | null)[];
  readonly target: readonly (number | null)[];
  /** Between these the disk will be filled to if it goes on so; null before the last point. */
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

/** Stacks a history, without the parts in `hidden`: what is above them comes down. */
export function stackHistory(
  { points, forecast, floorBytes, targetBytes }: DiskHistory,
  hidden: ReadonlySet<Part>,
): Stack {
  const last = points.at(-1);
  const from = last ? Date.parse(last.at) : 0;
  const band = (last && forecast?.band.filter(({ at }) => Date.parse(at) > from)) ?? [];
  const tops = Object.fromEntries(PARTS.map((part) => [part, [] as (number | null)[]])) as Record<
    Part,
    (number | null)[]
  >;
  const brims: number[] = [];
  for (const point of points) {
    const figures = partsOf(point);
    let top = 0;
    for (const part of PARTS) {
      if (!hidden.has(part)) top += figures[part];
      tops[part].push(hidden.has(part) ? null : top);
    }
    brims.push(brimOf(point, figures, hidden));
  }
  const brim = brims.at(-1) ?? 0;
  const ahead = band.map(() => null);
  for (const part of PARTS) tops[part].push(...ahead);
  const allBrims = [...brims, ...band.map(() => brim)];
  const past = points.slice(1).map(() => null);
  const now = last ? [brim - last.availableBytes] : [];
  return {
    at: [...points, ...band].map(({ at }) => Date.parse(at)),
    tops,
    floor: allBrims.map((each) => (floorBytes === null ? null : each - floorBytes)),
    target: allBrims.map((each) => (targetBytes === null ? null : each - targetBytes)),
    low: [...past, ...now, ...band.map(({ highBytes }) => brim - highBytes)],
    high: [...past, ...now, ...band.map(({ lowBytes }) => Math.min(brim, brim - lowBytes))],
  };
}

/** Where the disk is full: what is shown of what is used, and all that is free. */
function brimOf(point: DiskPoint, figures: Figures, hidden: ReadonlySet<Part>): number {
  const used = PARTS.slice(0, 4).filter((part) => !hidden.has(part));
  return used.reduce((sum, part) => sum + figures[part], point.availableBytes);
}
