import { expect, it } from 'vitest';
import { listenForStop } from '../../src/stack/signals.ts';
import { capture } from '../capture.ts';

it('reports the first signal that asks to stop, and calls back for each one after it', async () => {
  const io = capture();
  let again = 0;
  const stop = listenForStop(io, () => {
    again += 1;
  });
  io.signals.emit('SIGTERM', 'SIGTERM');
  expect(await stop.first).toBe('SIGTERM');
  expect(again).toBe(0);
  io.signals.emit('SIGINT', 'SIGINT');
  expect(again).toBe(1);
  stop.dispose();
  expect(io.signals.listenerCount('SIGINT') + io.signals.listenerCount('SIGTERM')).toBe(0);
});
