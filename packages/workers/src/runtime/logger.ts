import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export interface LoggerOptions {
  readonly level: string;
  /** For people at a terminal; otherwise one JSON object a line. */
  readonly pretty: boolean;
}

/** The one logger of a process. It writes to standard error: standard output is for data. */
export function createLogger({ level, pretty: forPeople }: LoggerOptions): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const destination = pino.destination({ dest: 2, sync: true });
  // On a full disk, or without a terminal: logs are lost then, and work goes on.
  destination.on('error', () => undefined);
  if (!forPeople) return pino(options, destination);
  return pino(options, pretty({ destination, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname' }));
}
