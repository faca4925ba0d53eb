import { type Context, context, propagation, type SpanContext, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  type Sampler,
  SamplingDecision,
  type Span,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { traceWith } from '@spica/queues';
import { BullMQOtel } from 'bullmq-otel';
import { version } from '../version.ts';
import type { startTracing, Tracing } from './tracing.ts';

/** A collector that does not answer must not hold up an end. */
const CLOSE_MS = 2_000;
const REPORT_EVERY_MS = 60_000;
/** Results and reasons stand in attributes. */
const MOST_CHARACTERS = 1_000;

/** What BullMQ calls the submission of a request: an operation, the queue and the job. */
const SUBMIT = 'add gate.request';
const GATE = 'process gate';

/** What our spans are called, by what BullMQ calls them, with the job's name where one queue has several. */
const NAMES: Readonly<Record<string, string>> = {
  [SUBMIT]: 'submit',
  [`${GATE} request`]: 'decide',
  'process spawn prepare': 'prepare',
  'process spawn spawn': 'spawn',
  'process prune prune': 'reclaim',
  'process prune undo': 'undo',
};

/** Sends spans to `endpoint` (OTLP over HTTP; `/v1/traces` is put behind it). */
export function openTracing(endpoint: string, logger: Parameters<typeof startTracing>[1] = null): Tracing {
  setGlobalErrorHandler(reportTo(logger));
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`;
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'spica', 'service.version': version }),
    sampler: OF_REQUESTS,
    spanLimits: { attributeValueLengthLimit: MOST_CHARACTERS },
    spanProcessors: [processorOf(new OTLPTraceExporter({ url, timeoutMillis: CLOSE_MS }))],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  traceWith(new BullMQOtel({ tracerName: 'spica', version }));
  const close = async () => {
    const ended = provider.shutdown().catch(() => undefined); // what could not be sent was reported
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())]);
  };
  return { close, [Symbol.asyncDispose]: close };
}

/** Of a collector that is away the log says so once a minute, not for each batch. */
function reportTo(logger: Parameters<typeof startTracing>[1]) {
  let saidAt = Number.NEGATIVE_INFINITY;
  return (error: unknown) => {
    if (!logger || performance.now() - saidAt < REPORT_EVERY_MS) return;
    saidAt = performance.now();
    logger.warn({ reason: error instanceof Error ? error.message : String(error) }, 'traces are lost');
  };
}

function processorOf(exporter: SpanExporter): BatchSpanProcessor {
  const processor = new BatchSpanProcessor({ exporter });
  return Object.assign(processor, {
    // The job's name is known only once the span has begun.
    onEnding(span: Span) {
      const job = span.attributes['bullmq.job.name'];
      const name = NAMES[span.name] ?? NAMES[`${span.name} ${job}`];
      if (name !== undefined) span.updateName(name);
    },
  });
}

/**
 * What belongs to a request: its submission, the gate's runs, and what these put into queues and what comes of that. BullMQ
 * traces each of its own steps, too, and what repeats: of these nobody could find anything.
 */
const OF_REQUESTS: Sampler = {
  shouldSample(parent: Context, _traceId: string, name: string) {
    const isStep = /^(add|addBulk|process) /.test(name);
    const isOurs = name === SUBMIT || name === GATE || (isStep && isSampled(trace.getSpanContext(parent)));
    return { decision: isOurs ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD };
  },
  toString: () => 'spica: requests',
};

function isSampled(span: SpanContext | undefined): boolean {
  return span !== undefined && (span.traceFlags & 1) === 1;
}
