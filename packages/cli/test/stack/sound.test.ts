import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { connectWorker } from '@spica/queues';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { isSound } from '../../src/stack/sound.ts';
import { startQueues } from '../redis.ts';

const WITHIN_MS = 1_000;

it('a process is sound unless its own connection is silent while Redis answers others', async () => {
  const redis = await startQueues();
  const target = { socket: join(redis.stateDir, 'redis.sock') };
  const links: [Socket, Socket][] = [];
  const between = createServer((from) => {
    const to = connect(target.socket);
    links.push([from, to]);
    from.pipe(to).pipe(from);
    for (const end of [from, to]) end.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(between, 'listening');
  const { port } = between.address() as AddressInfo;
  const own = connectWorker({ url: `redis://127.0.0.1:${port}` });
  own.on('error', () => undefined);
  onTestFinished(async () => {
    own.disconnect();
    for (const [from, to] of links) [from.destroy(), to.destroy()];
    between.close();
  });
  const stack = { runtime: { ping: () => own.ping() }, target, logger: pino({ level: 'silent' }) };
  expect(await isSound(stack, WITHIN_MS)).toBe(true);

  for (const [from, to] of links) [from.unpipe(to), to.unpipe(from)]; // as when a firewall has forgotten it
  expect(await isSound(stack, WITHIN_MS)).toBe(false);

  await redis.close(); // nobody is answered: a new start would wait just the same
  expect(await isSound(stack, WITHIN_MS)).toBe(true);
});
