import { pinInstance } from '@spica/client/redis';
import { withCatalog } from '../context/catalog.ts';
import { eachInstance, parseInstanceIds } from '../input/each.ts';
import { parseText, parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { toIso } from '../output/age.ts';
import { warnIfUnmirrored } from '../wait/mirror.ts';

export interface UnpinOptions {
  readonly by?: string;
}

export interface PinOptions extends UnpinOptions {
  readonly why: string;
}

/** `spica pin ID… --why TEXT`: keeps instances until they are unpinned. A pin that is there is replaced. */
export async function pin(invocation: Invocation<PinOptions>): Promise<number> {
  const { options } = invocation;
  const why = parseText('--why', options.why);
  return setPin(invocation, why);
}

/** `spica unpin ID…`: their pins keep them no longer. One that has none is no error. */
export async function unpin(invocation: Invocation<UnpinOptions>): Promise<number> {
  return setPin(invocation, null);
}

async function setPin(invocation: Invocation<UnpinOptions>, why: string | null): Promise<number> {
  const { io, args, options } = invocation;
  const ids = parseInstanceIds(args);
  const by = parseWho('--by', options.by);
  return withCatalog(invocation, async (pool) => {
    const pin = why === null ? null : { by, why };
    const json = options.json === true;
    const exitCode = await eachInstance(io, { ids, json, pool: pool.name }, async (id) => {
      const at = await pinInstance(pool, id, { pin, by });
      if (!json && io.stdout.isTTY)
        io.stdout.write(pin ? `${id} is pinned by ${by}: ${pin.why}\n` : `${id} is not pinned\n`);
      return { pin: pin && { ...pin, at: toIso(at) } };
    });
    await warnIfUnmirrored(io, pool);
    return exitCode;
  });
}
