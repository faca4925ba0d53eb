import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { makeTemplate } from '../../../../test/support/template.ts';
import { capture, runCaptured } from '../capture.ts';

/** Binds a unix datagram socket, which Node cannot, and prints each message as a line of JSON. */
const LISTEN = `
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('\\0' + sys.argv[1][1:] if sys.argv[1][0] == '@' else sys.argv[1])
print('bound', flush=True)
while True: print(json.dumps(s.recv(4096).decode()), flush=True)
`;

/** The messages that come to an address, as a service manager hears them. */
async function listen(address: string): Promise<(isIt: (message: string) => boolean) => Promise<string>> {
  const python = spawn('python3', ['-c', LISTEN, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(async () => {
    if (python.kill('SIGKILL')) await once(python, 'exit');
  });
  const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
  await lines.next(); // it is bound
  return async (isIt) => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error('nobody listens any more');
      const message: string = JSON.parse(value);
      if (isIt(message)) return message;
    }
  };
}

it.each(['path', 'abstract'])(
  'tells the service manager that it is up, alive, reloading and stopping (%s)',
  async (kind) => {
    const dir = await mkdtemp(join(tmpdir(), 'spica-notify-'));
    onTestFinished(() => rm(dir, { recursive: true }));
    await mkdir(join(dir, 'state'));
    const template = await makeTemplate(join(dir, 'template'));
    const config = {
      pools: { main: { root: './pool', templates: { default: template }, disk: { ballast_mb: 0 } } },
      log: { level: 'silent' },
    };
    await writeFile(join(dir, 'spica.yaml'), JSON.stringify(config));
    const address = kind === 'path' ? join(dir, 'notify') : `@spica-${dir.slice(-6)}`;
    const next = await listen(address);
    const env = {
      PATH: process.env['PATH'] ?? '',
      SPICA_CONFIG: join(dir, 'spica.yaml'),
      SPICA_STATE_DIR: join(dir, 'state'),
      NOTIFY_SOCKET: address,
      WATCHDOG_USEC: '400000',
      WATCHDOG_PID: String(process.pid),
    };
    await runCaptured(['init'], capture({ env }));
    const io = capture({ env });
    const running = runCaptured(['up', '--port', '0'], io);
    // The first message of all: nothing is said before it is up.
    expect(await next(() => true)).toBe('READY=1\nSTATUS=serves main');
    for (let times = 0; times < 3; times += 1) await next((message) => message === 'WATCHDOG=1');
    const before = process.hrtime.bigint() / 1000n;
    io.signals.emit('SIGHUP', 'SIGHUP');
    const reloading = await next((message) => message.startsWith('RELOADING=1'));
    const at = BigInt(/^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(reloading)?.[1] ?? 0);
    expect([at >= before, at <= process.hrtime.bigint() / 1000n]).toEqual([true, true]);
    expect(await next((message) => message !== 'WATCHDOG=1')).toBe('READY=1');
    io.signals.emit('SIGTERM', 'SIGTERM');
    expect(await next((message) => message !== 'WATCHDOG=1')).toBe('STOPPING=1');
    expect((await running).exitCode).toBe(0);
  },
);
