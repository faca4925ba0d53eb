import { UsageError } from '@spica/core';
import type { FastifyInstance } from 'fastify';
import * as z from 'zod';

const askedSchema = z.strictObject({
  argv: z.array(z.string().max(4_096)).max(100),
  /** Of the version, the user and the config of whoever asks. */
  fingerprint: z.string().max(64),
  /** As SPICA_LEASE_TOKEN says. */
  leaseToken: z.string().max(64).nullable(),
  isTerminal: z.boolean(),
  isErrorTerminal: z.boolean(),
  /** Of the terminal. */
  columns: z.int().min(1).nullable(),
});
export type CommandAsked = z.output<typeof askedSchema>;

/** Runs one of the commands that only look or change a lease. Null where whoever asks is to run it, with the same outcome. */
export type RunCommand = (
  asked: CommandAsked,
) => Promise<{ readonly stdout: string; readonly stderr: string } | null>;

/**
 * `POST /command`, on the unix socket alone: `spica ls` is quick, since it has the stack do what takes long to load. It is no
 * part of the HTTP API: it answers the same version of the command with the same config, and leaves the rest to it (204).
 */
export function addCommand(app: FastifyInstance, run: RunCommand): void {
  app.post('/command', { config: { access: 'api' } }, async (request, reply) => {
    const asked = askedSchema.safeParse(request.body);
    if (!asked.success)
      throw new UsageError('PAYLOAD_INVALID', 'body: expected what the spica command sends');
    return (await run(asked.data)) ?? reply.code(204).send();
  });
}
