import type { Config } from '@spica/core';
import { startServer } from '@spica/server';
import type { createLogger, Runtime } from '@spica/workers';
import { version } from '../version.ts';

export interface Board {
  readonly url: string;
  close(): Promise<void>;
}

export interface BoardOptions {
  readonly config: Config;
  readonly runtime: Pick<Runtime, 'pools'>;
  readonly logger: ReturnType<typeof createLogger>;
}

/** Starts the dashboard over the pools that this process serves, at `server.host` and `server.port`. */
export async function startBoard({ config, runtime, logger }: BoardOptions): Promise<Board> {
  return startServer({ ...config.server, pools: [...runtime.pools.values()], logger, version });
}
