import { emptyTrash, listTrash } from '@spica/pool';
import type { ServedContext } from '../context.ts';
import { messageOf } from './remove.ts';

/** Deletes for good what an earlier run left in the trash (it was killed, or `rm` met something that resisted). */
export async function sweepTrash(ctx: ServedContext): Promise<void> {
  for (const name of await listTrash(ctx.pool)) {
    const entry = {
      action: 'empty_trash',
      instance: name.split('.')[0] ?? name,
      reason: 'left by an earlier run',
    };
    try {
      await emptyTrash(ctx.pool, name);
      await ctx.audit.append({ ...entry, outcome: 'deleted' });
    } catch (error) {
      await ctx.audit.append({ ...entry, outcome: `failed: ${messageOf(error)}` });
      ctx.logger.warn({ err: error, trash: name }, 'trash could not be emptied');
    }
  }
}
