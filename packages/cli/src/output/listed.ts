import { toInstanceView } from '@spica/catalog';
import type { Judged } from '@spica/client/redis';
import { type Departure, formatBytes, ownBytes, systemClock } from '@spica/core';
import type { Output } from '../io.ts';
import { formatAge, toIso } from './age.ts';
import { instanceColumns } from './instance.ts';
import type { Column } from './write.ts';

/** An instance of the list as `--json` prints it: `goes.at` is null where nothing takes it by itself. */
export function toListedJson({ instance, goes }: Judged) {
  const view = toInstanceView(instance, systemClock.now(), goes);
  return { ...view, goes: goes && { at: toIso(goes.at), rule: goes.rule, reason: goes.reason } };
}

const GOES: readonly Column<Judged>[] = [
  { title: 'goes', text: ({ goes }) => sayWhen(goes), raw: ({ goes }) => toIso(goes?.at), align: 'right' },
  { title: 'rule', text: ({ goes }) => goes?.judged.rule ?? '' },
];

/** What its deletion would free, where it shares blocks with others. */
const OWN: Column<Judged> = {
  title: 'frees',
  text: ({ instance: { record } }) => {
    const own = ownBytes(record);
    return own === null || own === record.sample?.allocatedBytes ? '' : formatBytes(own);
  },
  raw: ({ instance }) => ownBytes(instance.record),
  align: 'right',
  rank: 2,
};

function sayWhen(goes: Departure | null): string {
  if (goes === null) return 'now';
  if (goes.at === null) return 'stays';
  const inMs = goes.at - systemClock.now();
  return inMs <= 0 ? 'next prune' : `in ${formatAge(inMs)}`;
}

/** The columns of `spica ls`. */
export function listedColumns(listed: readonly Judged[], stdout: Pick<Output, 'isTTY'>): Column<Judged>[] {
  const columns = instanceColumns(
    listed.map(({ instance }) => instance),
    stdout,
  );
  const ofInstance = columns.map(
    ({ text, raw, ...column }): Column<Judged> => ({
      ...column,
      text: ({ instance }) => text(instance),
      ...(raw ? { raw: ({ instance }) => raw(instance) } : {}),
    }),
  );
  const hasOwn = !stdout.isTTY || listed.some((each) => OWN.text(each) !== '');
  return [...ofInstance, ...GOES, ...(hasOwn ? [OWN] : [])];
}
