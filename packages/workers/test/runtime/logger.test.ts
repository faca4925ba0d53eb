import { execa } from 'execa';
import { expect, it } from 'vitest';

const LOGGER = new URL('../../src/runtime/logger.ts', import.meta.url).href;

it.each([true, false])('lets its process go on when logs have no room (pretty: %s)', async (pretty) => {
  const program = `
    const { createLogger } = await import('${LOGGER}');
    const logger = createLogger({ level: 'info', pretty: ${pretty} });
    logger.info('once');
    await new Promise(setImmediate);
    logger.info('again');
    console.log('went on');`;
  const argv = [process.execPath, '--input-type=module', '-e', program];
  const { stdout } = await execa('sh', ['-c', '"$@" 2>/dev/full', 'sh', ...argv]);
  expect(stdout).toBe('went on');
});
