import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { UsageError } from '@spica/core';

/** The files of a certificate and its private key, both PEM. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** What a TLS server is started with. */
export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/**
 * Reads a certificate and its key. Throws UsageError TLS_INVALID that names the setting, the file and what is wrong with it;
 * of the key nothing else is ever shown.
 */
export async function readTls({ cert, key }: TlsFiles): Promise<TlsMaterial> {
  const material = {
    cert: await readPem('server.tls_cert', cert),
    key: await readPem('server.tls_key', key),
  };
  try {
    new X509Certificate(material.cert);
    createSecureContext(material);
    return material;
  } catch (error) {
    const reason = `${cert} is no certificate (PEM) that the key ${key} belongs to`;
    throw new UsageError('TLS_INVALID', `server.tls_cert: ${reason}`, { field: 'server.tls_cert' }, error);
  }
}

async function readPem(field: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    const why = WHY[code] ?? `the system says ${code}`;
    throw new UsageError('TLS_INVALID', `${field}: ${path} cannot be read: ${why}`, { field }, error);
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read by this user',
  EISDIR: 'it is a directory',
};
