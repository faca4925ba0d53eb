import { CheckError } from '@spica/core';
import type { FastifyInstance } from 'fastify';

/**
 * Listens at an address; port 0 takes a free one. Resolves with the URL. Throws CheckError: PORT_IN_USE, or
 * SERVER_START_FAILED with the system's reason.
 */
export async function listen(app: FastifyInstance, address: string, port: number): Promise<string> {
  try {
    return await app.listen({ host: address, port });
  } catch (error) {
    throw describe(error as NodeJS.ErrnoException, address, port);
  }
}

function describe(error: NodeJS.ErrnoException, host: string, port: number): CheckError {
  const change = 'choose another with server.port in the config or --port (0 takes a free one)';
  if (error.code === 'EADDRINUSE') {
    return new CheckError(
      'PORT_IN_USE',
      `server.port: port ${port} of ${host} is in use, perhaps by another \`spica up\`: ${change}`,
      { host, port },
      error,
    );
  }
  const message = `server.port: cannot listen at port ${port} of ${host} (${error.code ?? error.message}): ${change}`;
  return new CheckError('SERVER_START_FAILED', message, { host, port }, error);
}
