import { lookup } from 'node:dns/promises';
import { isLoopbackAddress, UsageError } from '@spica/core';

/**
 * The address to listen at for a configured host. Throws UsageError SERVER_HOST_REFUSED for one that others than this
 * host's users could reach: there is no authentication yet. Of names only `localhost` is taken, and only if this host
 * knows it by nothing but loopback addresses.
 */
export async function loopbackAddressOf(host: string): Promise<string> {
  if (isLoopbackAddress(host)) return host;
  if (host !== 'localhost') throw refuse(host, `got "${host}"`);
  const addresses = (await lookup(host, { all: true })).map(({ address }) => address);
  const first = addresses[0];
  if (first !== undefined && addresses.every(isLoopbackAddress)) return first;
  throw refuse(host, `got "localhost", which this host resolves to ${addresses.join(', ') || 'nothing'}`);
}

function refuse(host: string, got: string): UsageError {
  return new UsageError(
    'SERVER_HOST_REFUSED',
    `server.host: expected a loopback address (127.0.0.1, ::1 or localhost), ${got}: the dashboard cannot ` +
      'authenticate anyone yet, so only this host may reach it. From elsewhere, use a tunnel (ssh -L)',
    { host },
  );
}
