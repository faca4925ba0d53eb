import { expect, it, onTestFinished } from 'vitest';
import { startLocal } from '../../../../test/support/redis.ts';
import { run } from '../../src/run.ts';
import { capture } from '../capture.ts';

it('says while it watches that Redis is away, and goes on once it is back', async () => {
  const server = await startLocal();
  onTestFinished(() => server.stop());
  const io = capture({ tty: true, env: { REDIS_URL: server.url } });
  const watching = run(['ls', '--watch'], io);
  await expect.poll(() => io.out()).toContain('0 of 0 at ');
  await server.kill();
  await expect.poll(() => io.out()).toContain('Redis is away');
  await server.restart();
  const shown = io.out().length;
  await expect.poll(() => io.out().slice(shown)).toContain('0 of 0 at ');
  io.signals.emit('SIGINT');
  expect(await watching).toBe(0);
});
