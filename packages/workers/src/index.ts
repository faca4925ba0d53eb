export * from './context.ts';
export { emptySums } from './gate/state.ts';
export { type OfflineOptions, previewOfflinePrune, pruneOffline } from './offline/prune.ts';
export * from './preview.ts';
export { bytesOf } from './pruner/trash.ts';
export { compare, type Drift } from './reconciler/compare.ts';
export { type EmbeddedRedis, startEmbeddedRedis } from './runtime/embedded-redis.ts';
export { createLogger } from './runtime/logger.ts';
export { type Runtime, startRuntime } from './runtime/runtime.ts';
