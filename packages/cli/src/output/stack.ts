import type { Runtime } from '@spica/workers';
import type { Io } from '../io.ts';
import { sayMethod } from './method.ts';
import { writeFields, writeJson } from './write.ts';

export interface StackView {
  readonly runtime: Runtime;
  readonly boardUrl: string;
  /** The HTTP API's unix socket; null where another process serves it. */
  readonly apiSocket: string | null;
  readonly redis: string;
  readonly json: boolean;
}

/** What `spica up` serves, said once at its start on a terminal, or with `--json`. The logs say it in any case. */
export function writeStack({ stdout }: Io, { runtime, boardUrl, apiSocket, redis, json }: StackView): void {
  const pools = [...runtime.pools.values()].map(({ policy, pool, method }) => ({
    name: policy.name,
    root: pool.paths.root,
    method,
  }));
  const audit = runtime.auditPath;
  const board = `${boardUrl}/queues`;
  const api = { url: `${boardUrl}/v1`, socket: apiSocket };
  if (json) {
    writeJson(stdout, { pid: process.pid, pools, page: boardUrl, board, api, audit, redis });
    return;
  }
  if (!stdout.isTTY) return;
  writeFields(stdout, [
    ...pools.flatMap(({ name, root, method }): [string, string][] => [
      [`pool ${name}`, root],
      ['', `${method === 'copy' ? 'warning: ' : ''}${sayMethod(method)}`],
    ]),
    ['page', `${boardUrl} (\`spica open\` logs in)`],
    ['queues', board],
    ['HTTP API', [api.url, ...(apiSocket === null ? [] : [apiSocket])].join(', ')],
    ['audit log', audit],
    ['Redis', redis],
    ['stop', 'Ctrl-C'],
  ]);
}
