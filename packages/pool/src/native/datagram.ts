import { closeSync } from 'node:fs';
import { endianness } from 'node:os';
import {
  AF_UNIX,
  lastError,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SOCK_DGRAM_CLOEXEC,
  sendto,
  socket,
} from './libc.ts';

/** The longest path that an address holds, with the NUL that ends it. Source: unix(7). */
const MOST_BYTES = 108;

/**
 * Sends one message to a unix datagram socket, which Node knows nothing of: `address` is its path, or `@name` for one in
 * the abstract namespace. It waits for nobody: throws what the kernel says, in the form of Node's own errors, where nobody
 * listens there (ECONNREFUSED, ENOENT) or whoever does is too far behind (EAGAIN).
 */
export function sendDatagram(address: string, message: string): void {
  const to = socketAddress(address);
  const fd = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) throw lastError('socket', address);
  try {
    const bytes = Buffer.from(message);
    const sent = Number(sendto(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL, to, to.length));
    if (sent < 0) throw lastError('sendto', address);
  } finally {
    closeSync(fd);
  }
}

/** struct sockaddr_un: the family, in the machine's byte order, then the path. */
function socketAddress(address: string): Buffer {
  const name = address.startsWith('@') ? `\0${address.slice(1)}` : `${address}\0`;
  const path = Buffer.from(name);
  if (path.length > MOST_BYTES)
    throw new RangeError(
      `expected the address of a socket of at most ${MOST_BYTES - 1} bytes, got ${address}`,
    );
  const family = Buffer.alloc(2);
  if (endianness() === 'LE') family.writeUInt16LE(AF_UNIX);
  else family.writeUInt16BE(AF_UNIX);
  return Buffer.concat([family, path]);
}
