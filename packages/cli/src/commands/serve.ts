import type { Invocation } from '../io.ts';
import type { ServeOptions } from './up.ts';

/** `spica serve`: the dashboard alone, over pools that others serve, until SIGTERM or Ctrl-C. */
export async function serve({ io, options }: Invocation<ServeOptions>): Promise<number> {
  throw new Error('wait for server');
}
