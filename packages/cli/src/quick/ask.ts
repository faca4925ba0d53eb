import { randomBytes } from 'node:crypto';
import { apiSocketOf } from '@spica/queues';
import type { Io } from '../io.ts';
import { postToStack } from '../stack/socket.ts';
import { type Asked, readAsked } from './asked.ts';
import { fingerprintOf } from './fingerprint.ts';

/** Longer than that a command takes by itself. */
const ANSWER_MS = 3_000;
/** A shell that completes a word waits no longer. */
const COMPLETE_MS = 100;

/**
 * Has the stack of this machine run a command, if it is one for it, and writes what it says: so neither Redis's client nor
 * the config's checks have to be loaded. False where that does not work out, for any reason: the command then runs here,
 * and says what is wrong.
 */
export async function askStack(argv: readonly string[], io: Io): Promise<boolean> {
  const asked = readAsked(argv);
  if (asked === null) return false;
  try {
    const { digest, stateDir } = await fingerprintOf(io, asked.config);
    const answerMs = asked.argv[0] === 'complete' ? COMPLETE_MS : ANSWER_MS;
    const answer = await send(apiSocketOf(stateDir), bodyOf(asked, digest, io), answerMs);
    if (answer === null) return false;
    io.stderr.write(answer.stderr);
    io.stdout.write(answer.stdout);
    return true;
  } catch {
    return false;
  }
}

/** A new lease has its token from here: if the answer is lost, the command that then runs here renews that lease. */
function bodyOf({ argv }: Asked, fingerprint: string, { env, stdout, stderr }: Io): string {
  if (argv.includes('lease'))
    (env as NodeJS.ProcessEnv)['SPICA_LEASE_TOKEN'] ||= randomBytes(16).toString('hex');
  const leaseToken = env['SPICA_LEASE_TOKEN'] || null;
  const [isTerminal, isErrorTerminal] = [stdout.isTTY === true, stderr.isTTY === true];
  const columns = stdout.columns ?? null;
  return JSON.stringify({ argv, fingerprint, leaseToken, isTerminal, isErrorTerminal, columns });
}

/** Null where the stack leaves it to the command. Throws where nobody answers. */
async function send(
  socket: string,
  body: string,
  answerMs: number,
): Promise<{ stdout: string; stderr: string } | null> {
  const { status, text } = await postToStack(socket, '/command', { body, answerMs });
  return status === 200 ? JSON.parse(text) : null;
}
