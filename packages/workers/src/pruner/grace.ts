import { isoTime } from '@spica/core';

/** Why no instance goes yet after Redis has lost the catalog, and what ends that. `until`: epoch milliseconds. */
export function describeGrace(until: number): string {
  return `the catalog was lost: nothing is deleted before ${isoTime(until)} (\`spica reconcile --end-grace\` ends that)`;
}
