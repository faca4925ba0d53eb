export type { ServerPool } from './pool.ts';
export { type Server, startServer } from './server.ts';
