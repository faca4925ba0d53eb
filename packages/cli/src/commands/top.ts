import { loadConfig } from '../context/config.ts';
import { choosePool } from '../context/pool.ts';
import { openTransport } from '../context/transport.ts';
import { type ListOptions, readListOptions } from '../input/list.ts';
import type { Invocation } from '../io.ts';
import { paintFor } from '../output/paint.ts';
import { writeJson } from '../output/write.ts';
import { drawTop, roomFor } from '../top/draw.ts';
import { showLive } from '../top/live.ts';
import { readTop } from '../top/read.ts';
import { begin } from '../top/state.ts';
import { screenOf } from '../top/terminal.ts';

/**
 * `spica top`: how the pool stands, what waits and what is there, live on the whole terminal until `q` or Ctrl-C. Without a
 * terminal, one screen; with `--json`, what it shows as one object.
 */
export async function top({ io, options }: Invocation<ListOptions>): Promise<number> {
  const { query } = readListOptions(options, io);
  const { config } = await loadConfig(io, options);
  const transport = await openTransport(config, choosePool(config, options.pool).name);
  try {
    const state = begin(query);
    const screen = screenOf(io.stdout);
    const view = await readTop(transport, state, roomFor(screen, 0));
    if (options.json) writeJson(io.stdout, view);
    else if (io.stdout.isTTY) await showLive(io, transport, state, view);
    else {
      const paint = paintFor(io.stdout, io);
      const lines = drawTop(view, state, { screen, paint, away: null, isLive: false });
      io.stdout.write(lines.map((line) => `${line.trimEnd()}\n`).join(''));
    }
    return 0;
  } finally {
    await transport.close();
  }
}
