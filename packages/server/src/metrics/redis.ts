import { tracingChannel } from 'node:diagnostics_channel';
import { Counter, Histogram, type Registry } from 'prom-client';

/** ioredis tells of each command here. */
const COMMANDS = 'ioredis:command';
/** These wait for something to come: how long they take says nothing of Redis. */
const WAITING = new Set(['bzpopmin', 'xread', 'subscribe', 'psubscribe', 'unsubscribe', 'quit']);
const BUCKETS = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/** Counts and times what this process asks of Redis. Call the result to end it. */
export function addRedisMetrics(registry: Registry): () => void {
  const registers = [registry];
  const seconds = new Histogram({
    name: 'spica_redis_command_seconds',
    help: 'What this process asks of Redis, and how long an answer takes; without commands that wait by design',
    buckets: BUCKETS,
    registers,
  });
  const errors = new Counter({
    name: 'spica_redis_errors_total',
    help: 'Commands that Redis refused, or that it did not get',
    registers,
  });
  const begun = new WeakMap<object, number>();
  const handlers = {
    start(message: object) {
      begun.set(message, performance.now());
    },
    end: () => undefined,
    asyncStart: () => undefined,
    asyncEnd(message: object) {
      const since = begun.get(message);
      const { command = '' } = message as { command?: string };
      if (since === undefined || WAITING.has(command)) return;
      seconds.observe((performance.now() - since) / 1_000);
    },
    error: () => errors.inc(),
  };
  const channel = tracingChannel<object, object>(COMMANDS);
  channel.subscribe(handlers);
  return () => void channel.unsubscribe(handlers);
}
