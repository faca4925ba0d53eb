import { type CatalogInstance, toInstanceView } from '@spica/catalog';
import { type Departure, systemClock } from '@spica/core';
import type { Output } from '../io.ts';
import { formatAge, toIso } from './age.ts';
import { instanceColumns } from './instance.ts';
import type { Column } from './write.ts';

/** An instance of the list; `goes` is null for one that is on its way out. */
export interface Listed {
  readonly instance: CatalogInstance;
  readonly goes: Departure | null;
}

/** An instance of the list as `--json` prints it: `goes.at` is null where nothing takes it by itself. */
export function toListedJson({ instance, goes }: Listed) {
  const view = toInstanceView(instance, systemClock.now(), goes);
  return { ...view, goes: goes && { at: toIso(goes.at), rule: goes.rule, reason: goes.reason } };
}

const GOES: readonly Column<Listed>[] = [
  { title: 'goes', text: ({ goes }) => sayWhen(goes), raw: ({ goes }) => toIso(goes?.at), align: 'right' },
  { title: 'rule', text: ({ goes }) => goes?.rule ?? '' },
];

function sayWhen(goes: Departure | null): string {
  if (goes === null) return 'now';
  if (goes.at === null) return 'stays';
  const inMs = goes.at - systemClock.now();
  return inMs <= 0 ? 'next prune' : `in ${formatAge(inMs)}`;
}

/** The columns of `spica ls`. */
export function listedColumns(listed: readonly Listed[], stdout: Pick<Output, 'isTTY'>): Column<Listed>[] {
  const columns = instanceColumns(
    listed.map(({ instance }) => instance),
    stdout,
  );
  const ofInstance = columns.map(
    ({ text, raw, ...column }): Column<Listed> => ({
      ...column,
      text: ({ instance }) => text(instance),
      ...(raw ? { raw: ({ instance }) => raw(instance) } : {}),
    }),
  );
  return [...ofInstance, ...GOES];
}
