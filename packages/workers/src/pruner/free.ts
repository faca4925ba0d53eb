import { helpWithFailure } from '@spica/core';
import { dropInstanceBaseline, emptyTrash, type TrashEntry } from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { failureText } from './message.ts';
import { noteStuck } from './stuck.ts';

/**
 * Frees the space of what lies in the trash. Resolves with false when it is not there any more: deleted, or restored.
 * Throws when something is left of it: what that is, and why, is noted beside it, and told once for each cause.
 */
export async function freeSpace(ctx: FreeContext, trash: TrashEntry): Promise<boolean> {
  try {
    const isFreed = await emptyTrash(trash, () => logDeleted(ctx, trash));
    if (isFreed) await dropInstanceBaseline(ctx.pool, trash.id);
    return isFreed;
  } catch (error) {
    const cause = failureText(error);
    if (await noteStuck(ctx, trash, cause)) {
      await ctx.audit.append({ ...deletionOf(trash), bytes: 0, outcome: `failed: ${cause}` });
      ctx.logger.error(
        { err: error, instance: trash.id, help: helpWithFailure({ cause }) },
        'instance is out of sight, but its space is not free',
      );
    }
    throw error;
  }
}

/** What the emptying of the trash needs to know and to tell. */
export type FreeContext = Pick<ServedContext, 'audit' | 'logger' | 'pool' | 'clockGuard'>;

type Deleted = Pick<TrashEntry, 'id' | 'note'>;

function deletionOf({ id, note }: Deleted) {
  return {
    action: 'delete_instance',
    request: note?.request ?? null,
    instance: id,
    reason: note?.reason ?? 'left in the trash by an earlier run',
  };
}

/** The end of a deletion, in both logs. */
export async function logDeleted(
  { audit, logger }: Pick<ServedContext, 'audit' | 'logger'>,
  deleted: Deleted,
): Promise<void> {
  const entry = deletionOf(deleted);
  const bytes = deleted.note?.bytes ?? null;
  await audit.append({ ...entry, bytes, outcome: 'deleted' });
  logger.info(
    { instance: deleted.id, request: entry.request, bytes, reason: entry.reason },
    'instance deleted',
  );
}
