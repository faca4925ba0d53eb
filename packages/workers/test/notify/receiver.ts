import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A post as a receiver gets it. */
export interface Post {
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

/** A server that takes notifications, and answers as it is told. */
export interface TestReceiver {
  readonly url: string;
  readonly posts: readonly Post[];
  /** Resolves with all that came, once there are so many. */
  waitFor(count: number): Promise<readonly Post[]>;
  close(): Promise<void>;
}

/** `answer`: the status for the post of this number, from 0. */
export async function startReceiver(answer: (number: number) => number = () => 200): Promise<TestReceiver> {
  const posts: Post[] = [];
  const waiters: { count: number; resolve: (all: readonly Post[]) => void }[] = [];
  const listener: RequestListener = (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      response.writeHead(answer(posts.length), { location: '/elsewhere' }).end();
      posts.push({ body, headers: request.headers });
      for (const { count, resolve } of waiters) if (posts.length >= count) resolve(posts);
    });
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks/s3cret`,
    posts,
    waitFor: (count) =>
      posts.length >= count
        ? Promise.resolve(posts)
        : new Promise((resolve) => {
            waiters.push({ count, resolve });
          }),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
