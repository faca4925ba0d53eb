import type { Telemetry } from 'bullmq';

/** Traces are of a process, as OpenTelemetry has them: queues and workers that are opened from now on take part. */
let inForce: Telemetry | undefined;

/** Has all queues and workers that are opened from now on tell of what they do. Without a call nothing is traced. */
export function traceWith(telemetry: Telemetry): void {
  inForce = telemetry;
}

/** The option of a queue or a worker. */
export function tracing(): { telemetry?: Telemetry } {
  return inForce === undefined ? {} : { telemetry: inForce };
}
