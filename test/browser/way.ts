import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A way to a server on this host that can be cut, as by a cable or a restart, and mended. */
export interface Way {
  readonly url: string;
  /** Ends what is open; nothing new comes through. */
  cut(): void;
  mend(): Promise<void>;
  close(): void;
}

export async function openWay(port: string): Promise<Way> {
  const open = new Set<Socket>();
  const keep = (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => socket.destroy());
    return socket;
  };
  const server = createServer((from) => {
    const to = keep(connect(Number(port), '127.0.0.1'));
    keep(from).pipe(to).pipe(from);
    from.on('close', () => to.destroy());
    to.on('close', () => from.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as { port: number };
  const cut = () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${own}`,
    cut,
    async mend() {
      server.listen(own, '127.0.0.1');
      await once(server, 'listening');
    },
    close: cut,
  };
}
