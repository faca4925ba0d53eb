import { isLoopbackAddress } from '@spica/core';
import type { FastifyInstance } from 'fastify';

/** The board's page asks a font server on the internet for its letters; what runs on a private host is nobody's business. */
const CONTENT =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

const SAFE_METHODS = ['GET', 'HEAD'];

/**
 * Keeps out what a browser on this host could be led to do. A page of another site may point a name of its own at
 * 127.0.0.1 and then read from here as from its own server (DNS rebinding): requests whose Host is not this host are
 * refused. As long as nobody can be authenticated the server only shows: it changes nothing, whoever asks.
 */
export function guard(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('content-security-policy', CONTENT).header('x-content-type-options', 'nosniff');
    if (!namesThisHost(request.headers.host)) {
      const message = `Host: expected localhost or a loopback address, got "${request.headers.host ?? ''}"`;
      return reply.code(403).send({ error: message, code: 'HOST_REFUSED' });
    }
    if (!SAFE_METHODS.includes(request.method)) {
      const message = `${request.method}: the dashboard only shows; to change something, use the spica command`;
      return reply
        .code(405)
        .header('allow', SAFE_METHODS.join(', '))
        .send({ error: message, code: 'READ_ONLY' });
    }
  });
}

/** Any port will do: a tunnel has one of its own. */
function namesThisHost(host: string | undefined): boolean {
  const url = `http://${host ?? ''}`;
  if (!URL.canParse(url)) return false;
  const name = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || isLoopbackAddress(name);
}
