import { emptyTrash, type TrashEntry } from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { messageOf } from './remove.ts';

/**
 * Frees the space of what lies in the trash. Resolves with false when it is not there any more: deleted, or restored.
 * Throws when something is left of it; the next run tries again.
 */
export async function freeSpace(
  ctx: Pick<ServedContext, 'audit' | 'logger'>,
  trash: TrashEntry,
): Promise<boolean> {
  const entry = deletionOf(trash);
  try {
    if (!(await emptyTrash(trash, () => logDeleted(ctx, trash)))) return false;
  } catch (error) {
    await ctx.audit.append({ ...entry, bytes: 0, outcome: `failed: ${messageOf(error)}` });
    ctx.logger.error(
      { err: error, instance: trash.id },
      'instance is out of sight, but its space is not free',
    );
    throw error;
  }
  return true;
}

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
