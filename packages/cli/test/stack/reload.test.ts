import { PassThrough } from 'node:stream';
import { resolveConfig, UsageError } from '@spica/core';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { reloadConfig } from '../../src/stack/reload.ts';
import { listenForReload, listenForStop } from '../../src/stack/signals.ts';
import { capture } from '../capture.ts';

const { config } = resolveConfig({ file: null, env: {}, flags: {}, cwd: '/', home: '/' });

function logged() {
  const stream = new PassThrough();
  const lines: Record<string, unknown>[] = [];
  stream.on('data', (chunk) => lines.push(JSON.parse(String(chunk))));
  return { logger: pino(stream), lines };
}

it('logs what has changed, and what needs a restart', async () => {
  const { logger, lines } = logged();
  const runtime = {
    configure: async () => undefined,
    reconfigure: async () => ({ live: ['gate.max_wait'], needsRestart: ['redis.url'] }),
  };
  await reloadConfig({ load: async () => config, runtime, logger });
  expect(lines).toMatchObject([
    { level: 30, changed: ['gate.max_wait'], msg: 'the config has changed' },
    { level: 40, settings: ['redis.url'], msg: 'these settings change with the next start' },
  ]);
});

it('leaves everything as it is where the config is wrong, and says what is wrong', async () => {
  const { logger, lines } = logged();
  const runtime = {
    configure: async () => undefined,
    reconfigure: () => Promise.reject(new Error('must not be called')),
  };
  const load = async () => {
    throw new UsageError('CONFIG_INVALID', 'log.level: expected …');
  };
  await reloadConfig({ load, runtime, logger });
  expect(lines).toMatchObject([
    { level: 50, reason: 'log.level: expected …', msg: expect.stringContaining('nothing has changed') },
  ]);
});

it('reloads once more for all signals that come while it reloads, and not after it was ended', async () => {
  const io = capture();
  const runs: PromiseWithResolvers<void>[] = [];
  const end = listenForReload(io, () => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    return run.promise;
  });
  for (let at = 0; at < 5; at += 1) io.signals.emit('SIGHUP');
  expect(runs).toHaveLength(1);
  runs[0]?.resolve();
  await expect.poll(() => runs.length).toBe(2);
  runs[1]?.resolve();
  end();
  io.signals.emit('SIGHUP');
  expect(runs).toHaveLength(2);
});

it('a hang-up stops where it is to, as when a terminal is closed', async () => {
  const io = capture();
  const never = listenForStop(io, () => undefined, { hangUpStops: false });
  expect(io.signals.listenerCount('SIGHUP')).toBe(0);
  never.dispose();
  const stop = listenForStop(io, () => undefined);
  io.signals.emit('SIGHUP', 'SIGHUP');
  expect(await stop.first).toBe('SIGHUP');
});
