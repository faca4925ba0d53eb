import { sendDatagram, singleFlight } from '@spica/pool';
import type { createLogger } from '@spica/workers';
import type { Io } from '../io.ts';

/** The service manager that started this process (systemd), told how it stands. Source: sd_notify(3). */
export interface ServiceManager {
  /** It is up: from here on the manager watches it. */
  ready(status: string): void;
  /** Tells that the config is being read again, and when that has ended; before `ready` it only does the work. */
  reloading(work: () => Promise<void>): Promise<void>;
  stopping(): void;
  /**
   * Tells the manager at half the time that it asks for that all is well, from the event loop, and only while `isSound`
   * resolves with true; once it is stopping, nobody is asked. `isSound` gets the milliseconds that it may take, and must
   * not throw. Call the result to end that.
   */
  watch(isSound: (withinMs: number) => Promise<boolean>): () => void;
}

type Logger = Pick<ReturnType<typeof createLogger>, 'warn'>;

/** Of half the time between two messages, the share that the answer may take. */
const PATIENCE = 0.5;

/** Whom NOTIFY_SOCKET names; where it names nobody, all of it does nothing. */
export function findServiceManager({ env }: Pick<Io, 'env'>, logger: Logger): ServiceManager {
  const address = env['NOTIFY_SOCKET'];
  const everyMs = watchdogMs(env) / 2;
  let isReady = false;
  let isStopping = false;

  function tell(message: string): void {
    if (!address) return;
    try {
      sendDatagram(address, message);
    } catch (error) {
      logger.warn({ err: error }, 'the service manager could not be told how this process stands');
    }
  }

  return {
    ready(status) {
      isReady = true;
      tell(`READY=1\nSTATUS=${status}`);
    },
    async reloading(work) {
      if (!isReady || isStopping) return work();
      tell(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
      await work();
      if (!isStopping) tell('READY=1');
    },
    stopping() {
      isStopping = true;
      tell('STOPPING=1');
    },
    watch(isSound) {
      if (!address || everyMs === 0) return () => undefined;
      // One that takes longer is not asked again meanwhile.
      const beat = singleFlight(async () => {
        if (isStopping || (await isSound(everyMs * PATIENCE))) tell('WATCHDOG=1');
      });
      const timer = setInterval(() => void beat(), everyMs);
      void beat();
      return () => clearInterval(timer);
    },
  };
}

/** How often the manager wants to hear, in milliseconds; 0 where it does not, or means another process. */
function watchdogMs(env: Io['env']): number {
  const micros = Number(env['WATCHDOG_USEC'] ?? 0);
  const pid = env['WATCHDOG_PID'];
  const isForUs = !pid || Number(pid) === process.pid;
  return isForUs && Number.isFinite(micros) && micros > 0 ? micros / 1000 : 0;
}
