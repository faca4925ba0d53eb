export { type Problem, problemSchema, toProblem } from './problem.ts';
export type {
  ActionPreview,
  ActionView,
  DiskHistory,
  InstancePage,
  InstanceView,
  Page,
  PoolView,
  RequestEvent,
  RequestView,
  SampleView,
} from './view.ts';
export * from './wire/bodies.ts';
export * from './wire/queries.ts';
export { span } from './wire/span.ts';
export * from './wire/views.ts';
