export type { Transport } from '../transport.ts';
export { collectInstances, executePlan, growInstance, restoreInstance, sampleInstances } from './asks.ts';
export {
  findInstances,
  instanceGone,
  type Judged,
  leaseInstance,
  pinInstance,
  releaseInstance,
  scoreInstance,
} from './instances.ts';
export { readRequest } from './read-request.ts';
export { cancelRequest, submitTo } from './requests.ts';
export { listTournaments, readTournament } from './tournaments.ts';
export { openRedisTransport } from './transport.ts';
export { toVerdict } from './verdict.ts';
