import { EXIT_CODES, systemClock } from '@spica/core';
import { testReceivers } from '@spica/workers';
import { loadConfig } from '../context/config.ts';
import type { Invocation } from '../io.ts';
import { writeJson, writeRows } from '../output/write.ts';

/**
 * `spica notify test`: sends a test message to each receiver of the config, from here. Exit 1 where one did not take it.
 * Throws UsageError SECRET_MISSING.
 */
export async function notifyTest({ io, options }: Invocation): Promise<number> {
  const { config } = await loadConfig(io, options);
  const ends = await testReceivers(config, io.env, systemClock);
  if (options.json) writeJson(io.stdout, ends);
  else {
    writeRows(
      io.stdout,
      [
        { title: 'receiver', text: ({ to }) => to },
        { title: 'result', text: ({ problem }) => problem ?? 'delivered' },
      ],
      ends,
    );
    if (ends.length === 0) io.stderr.write('nobody is told of anything: the config has no notify\n');
  }
  return ends.every(({ problem }) => problem === null) ? 0 : EXIT_CODES.check;
}
