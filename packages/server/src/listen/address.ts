import { lookup } from 'node:dns/promises';
import { isLoopbackAddress, UsageError } from '@spica/core';

/** Where the server is to listen, and who can reach it there. */
export interface ListenAddress {
  readonly address: string;
  readonly isLoopback: boolean;
}

/**
 * The address to listen at for a configured host. Of names only `localhost` is taken, and only if this host knows it by
 * nothing but loopback addresses. Throws UsageError SERVER_HOST_REFUSED for one that others than this host's users could
 * reach, unless there is a token that tells them apart (`hasTokens`).
 */
export async function listenAddressOf(
  host: string,
  hasTokens: () => Promise<boolean>,
): Promise<ListenAddress> {
  if (isLoopbackAddress(host)) return { address: host, isLoopback: true };
  if (host === 'localhost') {
    const addresses = (await lookup(host, { all: true })).map(({ address }) => address);
    const first = addresses[0];
    if (first !== undefined && addresses.every(isLoopbackAddress))
      return { address: first, isLoopback: true };
    const known = addresses.join(', ') || 'nothing';
    throw refuse(host, `"localhost" is no loopback address here, this host resolves it to ${known}`);
  }
  if (await hasTokens()) return { address: host, isLoopback: false };
  throw refuse(
    host,
    `others than this host could reach "${host}", and there is no token to tell who they are: make one first ` +
      '(`spica token create --role operator`), or listen at 127.0.0.1 and use a tunnel (ssh -L)',
  );
}

function refuse(host: string, why: string): UsageError {
  return new UsageError('SERVER_HOST_REFUSED', `server.host: ${why}`, { host });
}
