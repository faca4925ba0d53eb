export { type Problem, problemSchema, toProblem } from './problem.ts';
export type {
  ActionPreview,
  ActionView,
  DiskHistory,
  HistoryMark,
  InstancePage,
  InstanceView,
  Page,
  PoolView,
  ProfileView,
  RequestEvent,
  RequestView,
  SampleView,
  SpaceNode,
  VerdictView,
} from './view.ts';
export * from './wire/bodies.ts';
export * from './wire/pool-views.ts';
export * from './wire/queries.ts';
export { span } from './wire/span.ts';
export * from './wire/views.ts';
