import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type NetConnectOpts, type Socket } from 'node:net';

/** Stands before a Redis, and shuts for good in the middle of what its clients do. */
export interface Door extends AsyncDisposable {
  readonly url: string;
}

/**
 * Lets so many writes of clients through to a Redis, or all before one that contains a text; with the next one it cuts every
 * connection, and takes no more.
 */
export async function openDoor(redis: NetConnectOpts, until: number | string): Promise<Door> {
  const open = new Set<Socket>();
  let writes = 0;
  const isLast = (data: Buffer) => (typeof until === 'string' ? data.includes(until) : ++writes > until);
  const close = () => {
    server.close();
    for (const each of open) each.destroy();
  };
  const server = createServer((client) => {
    open.add(client);
    const behind = dial(redis);
    const end = () => {
      open.delete(client);
      behind.destroy();
      client.destroy();
    };
    for (const each of [client, behind]) each.on('error', end).on('close', end);
    behind.pipe(client);
    client.on('data', (data) => {
      if (!isLast(data)) return void behind.write(data);
      close();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `redis://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => close(),
  };
}
