import { readFile } from 'node:fs/promises';
import { reasonOf, type SecretRef, UsageError } from '@spica/core';

/**
 * Reads a secret from where the config says that it is; of a file its first line. `name` is the setting, for errors.
 * Throws UsageError SECRET_MISSING, which never shows the secret.
 */
export async function readSecret(
  ref: SecretRef,
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  if ('value' in ref) return ref.value;
  if ('env' in ref) {
    const value = env[ref.env];
    if (value) return value;
    throw missing(`${name}: expected a variable ${ref.env} in the environment, which is not set`);
  }
  const text = await readFile(ref.file, 'utf8').catch((cause: unknown) => {
    throw missing(`${name}: ${ref.file}: ${reasonOf(cause)}`, cause);
  });
  const [line = ''] = text.split('\n');
  if (line.trim() === '')
    throw missing(`${name}: ${ref.file}: expected a secret in its first line, got nothing`);
  return line.trim();
}

function missing(message: string, cause?: unknown): UsageError {
  return new UsageError('SECRET_MISSING', message, {}, cause);
}
