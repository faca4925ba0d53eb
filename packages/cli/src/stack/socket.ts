import { request } from 'node:http';
import { text } from 'node:stream/consumers';

/** Sends JSON to the stack of this machine, at its unix socket. Rejects where nobody answers within so many milliseconds. */
export async function postToStack(
  socketPath: string,
  path: string,
  { body, answerMs }: { readonly body: string; readonly answerMs: number },
): Promise<{ readonly status: number; readonly text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
  const sent = request({ socketPath, path, method: 'POST', headers, agent: false });
  const timer = setTimeout(() => sent.destroy(new Error('no answer')), answerMs);
  sent.once('error', reject).once('response', (response) => {
    const read = text(response).then((read) => ({ status: response.statusCode ?? 0, text: read }));
    read.then(resolve, reject);
  });
  sent.end(body);
  return promise.finally(() => clearTimeout(timer));
}
