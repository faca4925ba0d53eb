export { describeApi, type OpenApi } from './api/openapi.ts';
export { apiRoutes } from './api/routes.ts';
export type { RunCommand } from './command.ts';
export type { OpenLink } from './login/link.ts';
export { sessionTexts } from './login/session.ts';
export type { ServedWork } from './metrics/work.ts';
export type { ServerPool } from './pool.ts';
export { type Server, type ServerOptions, startServer } from './server.ts';
