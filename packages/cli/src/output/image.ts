import { formatBytes } from '@spica/core';
import type { ImageReport } from '@spica/pool';
import type { Output } from '../io.ts';
import { writeFields } from './write.ts';

/** An image in one line. */
export function describeImage({ file, sizeBytes, allocatedBytes, allocate }: ImageReport): string {
  const taken = allocate
    ? 'all of it taken from the disk'
    : `${formatBytes(allocatedBytes)} of it taken from the disk`;
  return `${file}, ${formatBytes(sizeBytes)}, ${taken}`;
}

/** How an image stands, for people. */
export function writeImage(
  stdout: Output,
  { name, root }: { name: string; root: string },
  report: ImageReport,
): void {
  const { availableBytes, hostAvailableBytes, orphanedBytes } = report;
  writeFields(stdout, [
    ['pool', name],
    ['image', describeImage(report)],
    ['mounted', sayMounted(root, report)],
    ['free in it', availableBytes === null ? 'known once it is mounted' : formatBytes(availableBytes)],
    ['charged to none', orphanedBytes ? sayOrphaned(orphanedBytes) : null],
    ['free on its disk', formatBytes(hostAvailableBytes)],
  ]);
}

function sayOrphaned(bytes: number): string {
  return `${formatBytes(bytes)} of what was deleted, and is shared with clones that are there`;
}

function sayMounted(root: string, { isMounted, isReadOnly, device }: ImageReport): string {
  if (!isMounted) return 'no: `spica up` mounts it';
  return `at ${root}, by ${device}${isReadOnly ? ', read-only' : ''}`;
}
