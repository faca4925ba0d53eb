import { floorOf, type PoolConfig } from '../config/config.ts';
import { byteLevels } from '../pressure/level.ts';
import { formatBytes } from '../units/bytes.ts';
import { formatDuration } from '../units/duration.ts';
import type { RuleText } from './rule.ts';

/** A gap between scrapes must not end an alert. */
const GAP = '15m';
/** A disk of which more than this is free is not near its end, whatever its trend. */
const LEVEL_SHARE = 0.5;

/** The alerts of a pool's disk, by name. `inImage`: it lies in an image, whose floor is a reserve of its own. */
export function diskRules(pool: PoolConfig, inImage: boolean): Readonly<Record<string, RuleText>> {
  const { name, disk } = pool;
  const levels = levelsOf(pool, inImage);
  const last = (metric: string, more = '') =>
    `min by (pool) (last_over_time(${metric}{pool="${name}"${more}}[${GAP}]))`;
  const available = last('spica_available_bytes');
  const below = (level: keyof typeof levels) => {
    const own = `${available} < ${levels[level].own}`;
    const host = `${last('spica_image_disk_available_bytes')} < ${levels[level].host}`;
    const seen = `max by (pool) (spica_pressure{pool="${name}",level=~"${levels[level].names}"}) == 1`;
    // What is free on a disk below has no metric of its own; the level that the worker sees counts it.
    return [own, ...(inImage ? [host] : []), ...(disk.alsoWatch.length > 0 ? [seen] : [])].join('\nor ');
  };
  const soon = formatDuration(disk.forecastWarnMs);
  return {
    SpicaBelowTarget: {
      expr: below('target'),
      for: '15m',
      severity: 'warning',
      summary: `Pool ${name}: less is free than its target`,
      description: `{{ $value | humanize }}B are free: below the target of ${levels.target.said}. Retention runs early; requests still go through.`,
    },
    SpicaShort: {
      expr: below('floor'),
      for: '5m',
      severity: 'warning',
      summary: `Pool ${name}: the disk is below its floor`,
      description: `{{ $value | humanize }}B are free: below the floor of ${levels.floor.said}. Every request is held until there is room.`,
    },
    SpicaCritical: {
      expr: below('critical'),
      for: '1m',
      severity: 'critical',
      summary: `Pool ${name}: the disk is nearly full`,
      description: `{{ $value | humanize }}B are free: critical below ${levels.critical.said}. The trash and the ballast are gone already, and no clone is begun.`,
    },
    SpicaUnwritable: {
      expr: `max by (pool) (last_over_time(spica_pressure{pool="${name}",level="unwritable"}[${GAP}])) == 1`,
      for: '1m',
      severity: 'critical',
      summary: `Pool ${name}: the disk takes no writes`,
      description: 'A write to the pool failed at each look. Nothing is spawned, and nothing is deleted.',
    },
    SpicaInodesShort: {
      expr: `${last('spica_free_inodes')} < ${last('spica_floor_inodes')}`,
      for: '5m',
      severity: 'warning',
      summary: `Pool ${name}: inodes are below their floor`,
      description:
        '{{ $value | humanize }} inodes are free, below the floor. Every request is held until there are more.',
    },
    SpicaFloorInSight: {
      // The level and the forecast; and once the floor is crossed there is nothing to forecast, and it still holds.
      expr: [
        `(${last('spica_floor_reached_seconds')} < ${disk.forecastWarnMs / 1_000}`,
        `  and ${available} < ${LEVEL_SHARE} * ${last('spica_total_bytes')}`,
        `  and min by (pool) (spica_available_bytes{pool="${name}"} offset 1h) >= 0)`,
        `or ${available} < ${levels.floor.own}`,
      ].join('\n'),
      for: '15m',
      severity: 'warning',
      summary: `Pool ${name}: the floor is reached within ${soon} at this rate`,
      description: `By the trend of the last hours the disk reaches its floor of ${levels.floor.said} within ${soon}, or has reached it.`,
    },
    SpicaReclaimShort: {
      expr: [
        increase('spica_reclaim_shortfall_bytes_total', name, '6h', '> 1e9'),
        `and ${increase('spica_reclaim_shortfall_bytes_total', name, '6h')}`,
        `  > 0.25 * ${increase('spica_reclaim_expected_bytes_total', name, '6h')}`,
      ].join('\n'),
      severity: 'warning',
      summary: `Pool ${name}: deleting brings back less than it should`,
      description: '{{ $value | humanize }}B of what was deleted within six hours did not come back.',
    },
  };
}

function increase(metric: string, pool: string, range: string, test = ''): string {
  return `sum by (pool) (increase(${metric}{pool="${pool}"}[${range}])) ${test}`.trim();
}

/** `own`, `host`: what the available bytes are compared with; `said`: the same for people; `names`: levels that count. */
function levelsOf({ name, disk }: PoolConfig, inImage: boolean) {
  const { target, floor, critical } = byteLevels(disk, 0, floorOf(disk, null).bytes);
  const imageFloor = `min by (pool) (last_over_time(spica_floor_bytes{pool="${name}"}[${GAP}]))`;
  const level = (bytes: number, floors: number, names: string) => ({
    own: inImage ? `${floors} * ${imageFloor}` : String(bytes),
    host: String(bytes),
    said: `${formatBytes(bytes)}${inImage ? " on the image's disk, or the image's own" : ''}`,
    names,
  });
  return {
    target: level(target, 1.5, 'low|short|critical|unwritable'),
    floor: level(floor, 1, 'short|critical|unwritable'),
    critical: level(critical, 0.5, 'critical|unwritable'),
  };
}
