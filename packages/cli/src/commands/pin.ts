import { pinInstance } from '@spica/client/redis';
import { withCatalog } from '../context/catalog.ts';
import { parseInstanceId } from '../input/ids.ts';
import { parseText, parseWho } from '../input/who.ts';
import type { Invocation } from '../io.ts';
import { toIso } from '../output/age.ts';
import { writeJson } from '../output/write.ts';
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
  return setPin(invocation, why);
}

/** `spica unpin ID`: its pin keeps it no longer. One that has none is no error. */
export async function unpin(invocation: Invocation<UnpinOptions>): Promise<number> {
  return setPin(invocation, null);
}

async function setPin(invocation: Invocation<UnpinOptions>, why: string | null): Promise<number> {
  const { io, args, options } = invocation;
  const id = parseInstanceId('id', args[0] ?? '');
  const by = parseWho('--by', options.by);
  return withCatalog(invocation, async (pool) => {
    const pin = why === null ? null : { by, why };
    const at = await pinInstance(pool, id, { pin, by });
    const shown = pin && { ...pin, at: toIso(at) };
    if (options.json) writeJson(io.stdout, { pool: pool.name, id, pin: shown });
    else if (io.stdout.isTTY) {
      io.stdout.write(pin ? `${id} is pinned by ${by}: ${pin.why}\n` : `${id} is not pinned\n`);
    }
    await warnIfUnmirrored(io, pool);
    return 0;
  });
}
