import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that Linux gives to whoever asks for any (ip_local_port_range), so that no `listen(0)` takes one in between. */
const FROM = 20_000;
const TO = 32_000;

/** A TCP port of the loopback that nobody listens on now, for a server that cannot choose one by itself or comes back to it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FROM, TO);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
