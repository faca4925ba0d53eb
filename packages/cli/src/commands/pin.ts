import { type Pin, systemClock } from '@spica/core';
import { withCatalog } from '../context/catalog.ts';
import { parseInstanceId } from '../input/ids.ts';
import { parseText, parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { toIso } from '../output/age.ts';
import { writeJson } from '../output/write.ts';
import { beingDeleted, instanceUnknown } from '../refusal/instance.ts';
import { warnIfUnmirrored } from '../wait/mirror.ts';

export interface UnpinOptions {
  readonly by?: string;
}

export interface PinOptions extends UnpinOptions {
  readonly why: string;
}

/** `spica pin ID --why TEXT`: keeps an instance until it is unpinned. A pin that is there is replaced. */
export async function pin(invocation: Invocation<PinOptions>): Promise<number> {
  const { options } = invocation;
  const why = parseText('--why', options.why);
  return setPin(invocation, (by, at) => ({ by, why, at }));
}

/** `spica unpin ID`: its pin keeps it no longer. One that has none is no error. */
export async function unpin(invocation: Invocation<UnpinOptions>): Promise<number> {
  return setPin(invocation, () => null);
}

async function setPin(
  invocation: Invocation<UnpinOptions>,
  make: (by: string, at: number) => Pin | null,
): Promise<number> {
  const { io, args, options } = invocation;
  const id = parseInstanceId('id', args[0] ?? '');
  const by = parseWho('--by', options.by);
  return withCatalog(invocation, async (pool) => {
    const { catalog, policy } = pool;
    const at = systemClock.now();
    const made = make(by, at);
    const marked = await catalog.mark(id, { pin: made });
    if (marked === 'absent') throw instanceUnknown(id, policy.name);
    if (marked === 'deleting') throw beingDeleted(id);
    await catalog.leaveNote({
      action: made ? 'pin_instance' : 'unpin_instance',
      instance: id,
      reason: made ? `pinned by ${by}: ${made.why}` : `unpinned by ${by}`,
      at: toIso(at),
      outcome: made ? 'pinned' : 'unpinned',
    });
    const shown = made && { ...made, at: toIso(made.at) };
    if (options.json) writeJson(io.stdout, { pool: policy.name, id, pin: shown });
    else if (io.stdout.isTTY)
      io.stdout.write(made ? `${id} is pinned by ${by}: ${made.why}\n` : `${id} is not pinned\n`);
    await warnIfUnmirrored(io, pool);
    return 0;
  });
}
