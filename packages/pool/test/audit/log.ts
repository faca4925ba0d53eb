import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type * as z from 'zod';
import { type AuditLog, type AuditOptions, auditLineSchema, openAudit } from '../../src/index.ts';

/** A directory of its own, until the test ends. */
export async function scratch(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'spica-audit-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** Opens the log in `stateDir`; closed when the test ends. */
export async function openLogIn(stateDir: string, options: Partial<AuditOptions> = {}): Promise<AuditLog> {
  const log = await openAudit({
    path: null,
    stateDir,
    clock: { now: () => Date.UTC(2026, 0, 2, 3, 4, 5) },
    logger: pino({ level: 'silent' }),
    ...options,
  });
  onTestFinished(() => log.close());
  return log;
}

/** An entry that tells itself apart. */
export function entry(n: number) {
  return { action: 'delete_instance', reason: `entry ${n}`, outcome: 'intent' };
}

export async function linesOf(path: string): Promise<z.infer<typeof auditLineSchema>[]> {
  const text = await readFile(path, 'utf8');
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => auditLineSchema.parse(JSON.parse(line)));
}
