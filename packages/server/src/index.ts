export type { ServerPool } from './pool.ts';
export { type Server, type ServerOptions, startServer } from './server.ts';
