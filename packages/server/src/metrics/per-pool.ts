import type { DiskFigures, PoolFigures } from '../figures.ts';

/** One figure of a pool as a gauge, labelled with the pool. */
export interface PoolGauge {
  readonly name: string;
  readonly help: string;
  /** Null where the pool has no such figure: then the gauge is absent, not 0. `now` is in epoch milliseconds. */
  readonly read: (figures: PoolFigures, now: number) => number | null;
}

export const POOL_GAUGES: readonly PoolGauge[] = [
  {
    name: 'spica_instances',
    help: 'Instances, in flight or ready',
    read: ({ instances }) => instances,
  },
  {
    name: 'spica_reserved_bytes',
    help: 'Bytes reserved for requests and not used yet',
    read: ({ reserved }) => reserved.bytes,
  },
  {
    name: 'spica_growth_bytes',
    help: 'Bytes that live instances are still expected to add',
    read: ({ growthBytes }) => growthBytes,
  },
  {
    name: 'spica_instances_at_cap',
    help: 'Instances whose writes the kernel refuses, as they have written what their caps allow; absent without caps',
    read: ({ atCap }) => atCap,
  },
  {
    name: 'spica_orphaned_bytes',
    help: 'Bytes that stay on the disk and are charged to no instance that is there, as forks share them; absent without caps',
    read: ({ orphanedBytes }) => orphanedBytes,
  },
  {
    name: 'spica_held_requests',
    help: 'Requests that the gate holds',
    read: ({ held }) => held.requests,
  },
  {
    name: 'spica_oldest_held_seconds',
    help: 'How long the longest held request waits; 0 if none',
    read: ({ held }, now) => (held.oldestAt === null ? 0 : Math.max(0, now - held.oldestAt) / 1_000),
  },
  {
    name: 'spica_available_bytes',
    help: 'Bytes that an unprivileged process can still use; absent where the disk cannot be looked at',
    read: ofDisk(({ space }) => space.availableBytes),
  },
  {
    name: 'spica_total_bytes',
    help: "Size of the pool's filesystem",
    read: ofDisk(({ space }) => space.totalBytes),
  },
  {
    name: 'spica_floor_bytes',
    help: 'Free bytes that admitted work may never take',
    read: ofDisk(({ floor }) => floor.bytes),
  },
  {
    name: 'spica_image_disk_available_bytes',
    help: "Bytes available on the disk that the pool's image lies on; absent where it takes no more of it",
    read: ofDisk(({ imageHost }) => imageHost?.space.availableBytes ?? null),
  },
  {
    name: 'spica_image_disk_floor_bytes',
    help: 'Free bytes of that disk that admitted work may never take',
    read: ofDisk(({ imageHost }) => imageHost?.floorBytes ?? null),
  },
  {
    name: 'spica_image_growth_bytes',
    help: 'Bytes of that disk that the image may still take',
    read: ofDisk(({ imageHost }) => imageHost?.mayGrowBytes ?? null),
  },
  {
    name: 'spica_image_disk_binds',
    help: "1 where the disk that the pool's image lies on leaves less above its floor than the image does, else 0; absent as above",
    read: ofDisk(({ space, floor, imageHost }) => {
      if (imageHost === null) return null;
      const outside = imageHost.space.availableBytes - imageHost.unwrittenBytes - imageHost.floorBytes;
      return outside < space.availableBytes - floor.bytes ? 1 : 0;
    }),
  },
  {
    name: 'spica_free_inodes',
    help: 'Free inodes; absent where the filesystem has no limit',
    read: ofDisk(({ space }) => space.freeInodes),
  },
  {
    name: 'spica_floor_inodes',
    help: 'Free inodes that admitted work may never take; absent where the filesystem has no limit',
    read: ofDisk(({ space, floor }) => (space.freeInodes === null ? null : floor.inodes)),
  },
  {
    name: 'spica_breaker_open',
    help: '1 while all requests are held, as spawns fail for reasons of the host, else 0',
    read: ({ isBreakerOpen }) => (isBreakerOpen === null ? null : Number(isBreakerOpen)),
  },
  {
    name: 'spica_floor_reached_seconds',
    help: 'When the floor is expected to be reached if the disk goes on to fill; absent where it does not',
    read: ({ forecast }) => (forecast.trend === 'filling' ? forecast.untilFloorMs / 1_000 : null),
  },
];

function ofDisk(read: (disk: DiskFigures) => number | null): PoolGauge['read'] {
  return ({ disk }) => ('problem' in disk ? null : read(disk));
}
