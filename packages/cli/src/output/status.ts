import { countOf, describeCause, formatBytes, formatDuration } from '@spica/core';
import { QUEUE_NAMES } from '@spica/queues';
import type { Output } from '../io.ts';
import type { Outlook } from '../status/forecast.ts';
import type { PoolStatus } from '../status/read.ts';
import { sayClock } from './clock.ts';
import { sayMethod } from './method.ts';
import { writeFields, writeRows } from './write.ts';

/** How a pool stands, for people. */
export function writePoolStatus(stdout: Output, status: PoolStatus): void {
  const { problem, reserved, held } = status;
  stdout.write(`${status.verdict.sentence}\n`);
  writeFields(stdout, [
    ['pool', status.pool],
    ['root', status.root],
    ['problem', problem && `${problem.code}: ${problem.message}`],
    ['clones by', sayMethod(status.cloneMethod)],
    ['disk', sayBytes(status)],
    ['image on', sayImageHost(status)],
    ['inodes', sayInodes(status)],
    ['used by', sayUse(status.outlook)],
    ['charged to none', status.orphanedBytes ? formatBytes(status.orphanedBytes) : null],
    ...status.stuck.map(({ id, bytes, cause, help }): [string, string] => [
      'cannot delete',
      `${id} in the trash (${bytes === null ? 'size unknown' : formatBytes(bytes)}): ${cause}; ${help}`,
    ]),
    ...sayUncollected(status),
    ['pressure', sayPressure(status.outlook)],
    ['forecast', status.outlook.forecast.sentence],
    ['breaker', sayBreaker(status)],
    ['instances', `${status.instances} of ${status.maxInstances}, ${reserved.slots} more reserved`],
    [
      'reserved',
      `${formatBytes(reserved.bytes)}, ${countOf(reserved.inodes, 'inode')}, ${countOf(reserved.slots, 'slot')}`,
    ],
    [
      'growth',
      `${formatBytes(status.growth.bytes)} and ${countOf(status.growth.inodes, 'inode')} still to come`,
    ],
    ...Object.entries(status.outlook.profiles).map(([template, profile]): [string, string] => [
      `template ${template}`,
      profile ?? 'no instance of it has finished yet',
    ]),
    ['rules of age', sayClock(status.clock.suspended)],
    ['live use', sayBlind(status)],
    ['deletions', sayDeletions(status)],
    ['served', sayServed(status)],
    ...QUEUE_NAMES.map((name): [string, string] => [`queue ${name}`, sayQueue(status.queues[name])]),
    ['held', held.length === 0 ? 'none' : String(held.length)],
  ]);
  if (held.length === 0) return;
  writeRows(
    stdout,
    [
      { title: 'held request', text: ({ request }) => request },
      { title: 'asks for', text: ({ count }) => String(count), align: 'right' },
      { title: 'since', text: ({ since }) => since },
      { title: 'reason', text: ({ reason }) => reason },
    ],
    held,
  );
}

function sayUse({ use }: Outlook): string | null {
  if (!use) return null;
  const { instancesBytes, trashBytes, templatesBytes, othersBytes } = use;
  const parts = [`instances ${formatBytes(instancesBytes)}`, `trash ${formatBytes(trashBytes)}`];
  return [...parts, `templates ${formatBytes(templatesBytes)}`, `others ${formatBytes(othersBytes)}`].join(
    ', ',
  );
}

function sayPressure({ pressure }: Outlook): string {
  if (!pressure) return 'not looked at before the first `spica up`';
  const why = pressure.reason === null ? '' : `: ${pressure.reason}`;
  return `${pressure.level} since ${pressure.since}${why}`;
}

function sayServed({ workers }: PoolStatus): string {
  if (workers.gate === null) return 'not known: this Redis refuses CLIENT LIST';
  return workers.gate > 0 ? 'yes' : 'no: start a worker with `spica up`';
}

/** So many are named. */
const NAMED = 3;

function sayUncollected({ uncollected }: PoolStatus): [string, string][] {
  const more = uncollected.length - NAMED;
  return [
    ...uncollected
      .slice(0, NAMED)
      .map(({ id, cause }): [string, string] => [
        'cannot collect',
        `the results of ${id}, which is kept: ${cause}`,
      ]),
    ...(more > 0 ? [['cannot collect', `those of ${more} more: see \`spica ls\``] as [string, string]] : []),
  ];
}

function sayBreaker({ breaker }: PoolStatus): string | null {
  if (!breaker || breaker.openedAt === null) return null;
  return `open: ${describeCause(breaker)}; all requests are held`;
}

function sayBlind({ blind }: PoolStatus): string | null {
  if (blind === null) return null;
  const kept = `what was leased is kept for ${formatDuration(blind.keepMs)} after its lease (blind_keep)`;
  return `not seen: ${blind.why}; ${kept}`;
}

function sayDeletions({ deletionsHeld }: PoolStatus): string | null {
  if (deletionsHeld === null) return null;
  return deletionsHeld.until === null
    ? 'none before the disk has been reconciled with the catalog'
    : `none before ${deletionsHeld.until}: Redis was lost, and perhaps leases with it (\`spica reconcile --end-grace\`)`;
}

function sayBytes({ disk }: PoolStatus): string | null {
  if (!disk) return null;
  const { availableBytes, totalBytes, floor } = disk;
  return `${formatBytes(availableBytes)} available of ${formatBytes(totalBytes)}, floor ${formatBytes(floor.bytes)}`;
}

/** Both disks, and which of them has less for the pool. */
function sayImageHost({ disk, imageHost }: PoolStatus): string | null {
  if (!disk || !imageHost) return null;
  const { dir, space, floorBytes, mayGrowBytes, unwrittenBytes } = imageHost;
  const isLess = space.availableBytes - unwrittenBytes - floorBytes < disk.availableBytes - disk.floor.bytes;
  return (
    `${dir}: ${formatBytes(space.availableBytes)} available of ${formatBytes(space.totalBytes)}, floor ` +
    `${formatBytes(floorBytes)}; the image may still take ${formatBytes(mayGrowBytes)} of it, its btrfs ${formatBytes(unwrittenBytes)} of that for ` +
    `itself; ` +
    `${isLess ? 'this disk' : 'the image'} binds`
  );
}

function sayInodes({ disk }: PoolStatus): string | null {
  if (!disk) return null;
  const { freeInodes, totalInodes, floor } = disk;
  return freeInodes === null ? 'no limit' : `${freeInodes} free of ${totalInodes}, floor ${floor.inodes}`;
}

function sayQueue(counts: Readonly<Record<string, number>>): string {
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  return some.length === 0 ? 'empty' : some.map(([state, count]) => `${count} ${state}`).join(', ');
}
