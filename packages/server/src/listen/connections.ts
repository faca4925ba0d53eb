import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';

/** Beyond it, what each connection holds in memory counts more than its file descriptor. */
const MOST = 20_000;
/** Where the system does not tell its limit. */
const FEW = 1_024;
const LOG_EVERY_MS = 60_000;

/**
 * Has a server take so many connections that the process still has file descriptors for the pools that it serves: what is
 * one too many is closed, and the log says so once in a minute.
 *
 * @param share Of the descriptors that the process may have open.
 */
export function limitConnections(app: FastifyInstance, share: number, limit: number | null = null): void {
  const most = limit ?? Math.min(MOST, Math.floor(descriptorLimit() * share));
  let loggedAt = Number.NEGATIVE_INFINITY;
  app.server.maxConnections = most;
  app.server.on('drop', () => {
    if (performance.now() - loggedAt < LOG_EVERY_MS) return;
    loggedAt = performance.now();
    app.log.warn({ most }, 'as many connections are open as this server takes: others are closed');
  });
}

/** As Node has it, which takes all that it may. */
function descriptorLimit(): number {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? FEW : Number(soft);
  } catch {
    return FEW;
  }
}
