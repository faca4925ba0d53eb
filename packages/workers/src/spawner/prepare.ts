import { CheckError, preparationShort, RefusedError, type Size } from '@spica/core';
import { checkMarker, type TemplateWarning } from '@spica/pool';
import type { PreparePayload, PrepareResult } from '@spica/queues';
import type { ServedContext } from '../context.ts';
import { readDisk } from '../gatekeeper/facts.ts';
import { preparedSize } from '../gatekeeper/need.ts';

const NOTHING: Size = { bytes: 0, inodes: 0 };

/**
 * Brings a template's prepared snapshot up to date. One that holds what the template is now goes on, without any room;
 * else a new one is made. What it will take is reserved while it is made; where there is no room
 * for it now, resolves with its size instead. Throws RefusedError TEMPLATE_TOO_LARGE when the floor could never allow it,
 * and what the template itself is refused for; CheckError DISK_* for what is wrong with the disk.
 */
export async function prepareTemplate(
  ctx: ServedContext,
  { template }: PreparePayload,
  signal?: AbortSignal,
): Promise<PrepareResult> {
  await checkMarker(ctx.pool);
  // One at a time for each template: the second finds it prepared, and reserves nothing for it.
  return ctx.preparations.run(template, async () => {
    const current = await ctx.templates.current(template);
    if (current) return { fingerprint: current.fingerprint, notes: [] };
    const checked = await ctx.templates.recheck(template, signal ? { signal } : {});
    if ('prepared' in checked) {
      const { fingerprint } = checked.prepared;
      ctx.logger.info({ template, fingerprint }, 'the template is as it was prepared, by comparison');
      return { fingerprint, notes: [] };
    }
    const size = preparedSize(ctx.method, await ctx.templates.size(template));
    if (!(await reserveFor(ctx, template, size))) return { short: size };
    return make(ctx, template, checked.difference, signal);
  });
}

/** Reserves what the snapshot will take, in the same moment as it is found to fit; false where it does not. */
async function reserveFor(ctx: ServedContext, template: string, size: Size): Promise<boolean> {
  const { ledger } = ctx.gate;
  const { trouble, ...disk } = await readDisk(ctx, ledger.sums(ctx.clockGuard.now()), ledger.ownBytes);
  if (trouble) throw new CheckError(trouble.code, trouble.reason);
  const short = preparationShort(size, disk, ledger.sums(ctx.clockGuard.now()));
  if (short?.never) throw new RefusedError('TEMPLATE_TOO_LARGE', `template ${template}: ${short.reason}`);
  if (short) return false;
  ledger.beginPreparation(template, size);
  ctx.publisher.soon();
  return true;
}

/** `difference`: what of the template is not as in its last snapshot; null where it had none. */
async function make(
  ctx: ServedContext,
  template: string,
  difference: string | null,
  signal?: AbortSignal,
): Promise<PrepareResult> {
  let landed = NOTHING;
  const notes = difference === null ? [] : [`template ${template} was prepared anew: ${difference}`];
  const onWarning = ({ found, advice }: TemplateWarning) =>
    notes.push(`warning: template ${template}: ${found}; ${advice}`);
  try {
    const prepared = await ctx.templates.prepare(template, { onWarning, ...(signal ? { signal } : {}) });
    const { fingerprint, allocatedBytes: bytes, inodes } = prepared;
    landed = preparedSize(ctx.method, { bytes, inodes });
    ctx.cloneSync.noteWritten(ctx, landed);
    ctx.logger.info({ template, fingerprint, bytes, difference }, 'template prepared');
    return { fingerprint, notes };
  } finally {
    ctx.gate.ledger.endPreparation(template, landed);
    ctx.publisher.soon();
  }
}
