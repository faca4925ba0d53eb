import { get } from 'node:http';

export interface ServerEvent {
  readonly id: string | null;
  readonly event: string;
  readonly data: unknown;
}

export interface Stream {
  readonly status: number;
  /** Resolves once an event passes the test, with all that came up to it. */
  until(test: (event: ServerEvent) => boolean): Promise<readonly ServerEvent[]>;
  /** Resolves with all events once the server has ended the stream. */
  readonly ended: Promise<readonly ServerEvent[]>;
  close(): void;
}

/** Opens a stream of server-sent events as a reader of them does. */
export function openStream(url: string, path: string, headers: Record<string, string>): Promise<Stream> {
  const { promise, resolve, reject } = Promise.withResolvers<Stream>();
  const call = get(
    new URL(path, url),
    { headers: { accept: 'text/event-stream', ...headers }, agent: false },
    (response) => {
      const events: ServerEvent[] = [];
      const waiting = new Set<() => void>();
      const end = Promise.withResolvers<readonly ServerEvent[]>();
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        events.push(...blocks.flatMap(parse));
        for (const look of waiting) look();
      });
      response.on('close', () => end.resolve(events)).on('error', () => end.resolve(events));
      resolve({
        status: response.statusCode ?? 0,
        ended: end.promise,
        until(test) {
          const found = Promise.withResolvers<readonly ServerEvent[]>();
          const look = () => {
            if (events.some(test)) found.resolve(events);
          };
          waiting.add(look);
          look();
          return found.promise;
        },
        close: () => call.destroy(),
      });
    },
  );
  call.on('error', reject);
  return promise;
}

function parse(block: string): ServerEvent[] {
  const fields = new Map(
    block.split('\n').map((line) => [line.split(': ')[0], line.slice(line.indexOf(': ') + 2)]),
  );
  const data = fields.get('data');
  if (data === undefined) return [];
  return [{ id: fields.get('id') ?? null, event: fields.get('event') ?? 'message', data: JSON.parse(data) }];
}
