import type { CloneMethod } from '@spica/core';

const METHODS: Record<CloneMethod, string> = {
  snapshot: 'btrfs snapshot',
  reflink: 'reflink: instances share their blocks with the template',
  copy: 'copy only: this disk can neither snapshot nor reflink, so every spawn copies its template in full',
};

/** How a pool clones, in words. */
export function sayMethod(method: CloneMethod | null): string {
  return method === null ? 'not known before the first `spica up`' : METHODS[method];
}
