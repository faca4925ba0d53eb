import { isInstanceId } from '@spica/core';
import type { QueueName } from '@spica/queues';

interface LinkedJob {
  readonly id?: string | number | null | undefined;
  readonly data: unknown;
  readonly returnvalue: unknown;
}

const REQUEST_ID = /^(?:req|key)-[0-9a-f]{1,64}$/;

/** What the page shows of what a job is about: its instance, else its request, else where such jobs come from. */
export function linkOf(
  pool: string,
  queue: QueueName,
  job: LinkedJob,
): { displayText: string; href: string } {
  const link = (displayText: string, path: string) => ({
    displayText,
    href: `${path}?pool=${encodeURIComponent(pool)}`,
  });
  const instance = [
    read(job.returnvalue, 'id'),
    read(job.data, 'id'),
    read(read(job.data, 'grow'), 'id'),
  ].find((id) => typeof id === 'string' && isInstanceId(id));
  if (queue !== 'gate' && typeof instance === 'string') return link('Instance', `/instances/${instance}`);
  const request = queue === 'gate' ? job.id : read(job.data, 'request');
  if (typeof request === 'string' && REQUEST_ID.test(request)) return link('Request', `/requests/${request}`);
  return queue === 'prune' ? link('Prune', '/prune') : link('Instances', '/instances');
}

function read(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
