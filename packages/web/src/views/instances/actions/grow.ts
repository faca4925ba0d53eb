import { messageOf, send } from '../../../api/call.ts';
import { spica } from '../../../parts/shell.ts';

export interface Done {
  readonly matched: number;
  readonly done: number;
  readonly failed: readonly { readonly id: string; readonly reason: string }[];
}

/** Each waits for room, so not too many. */
export const MOST_GROWN = 50;

/** Decimal gigabytes, as `20` or `20.5`, as bytes; null for what is no size. */
export function parseGb(text: string): number | null {
  const value = /^\d+(?:\.\d+)?$/.test(text.trim()) ? Number(text) : Number.NaN;
  return value > 0 && value <= 1e6 ? Math.round(value * 1e9) : null;
}

/** One after the other, as here. */
export function growCommand(ids: readonly string[], gb: string, pool: string | null): string {
  return ids.map((id) => spica(pool, 'grow', id, `${gb}GB`, '--max-wait', '0s')).join(' && ');
}

/** Raises the caps one after the other: what there is room for at first, there need not be any more. */
export async function growEach(
  ids: readonly string[],
  { capBytes, pool }: { readonly capBytes: number; readonly pool: string | null },
): Promise<Done> {
  const failed: { id: string; reason: string }[] = [];
  for (const id of ids) {
    try {
      const path = `/v1/instances/${encodeURIComponent(id)}/grow`;
      const { granted, sentence } = await send<{ granted: boolean; sentence: string }>('POST', path, {
        query: { pool },
        body: { capBytes, maxWait: 0 },
      });
      if (!granted) failed.push({ id, reason: sentence });
    } catch (error) {
      failed.push({ id, reason: messageOf(error) });
    }
  }
  return { matched: ids.length, done: ids.length - failed.length, failed };
}
