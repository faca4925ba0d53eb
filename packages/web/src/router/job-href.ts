/** Where Bull Board shows a job; it names a queue `pool.queue`. */
export function jobHref(pool: string, queue: string, id: string): string {
  return `/queues/queue/${encodeURIComponent(`${pool}.${queue}`)}/${encodeURIComponent(id)}`;
}
