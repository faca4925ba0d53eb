import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pretendMachine } from './machine.ts';

function readyMachine(program: string) {
  const machine = pretendMachine();
  machine.add('redis-server');
  machine.add('rsync');
  const file = join(machine.checkout, 'program.ts');
  writeFileSync(file, program);
  return { ...machine, file };
}

test('a program gets its arguments as they were typed, and its exit code is the command’s', async () => {
  const machine = readyMachine('console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 3;');
  const { exitCode, stdout } = await machine.run('run.sh', machine.file, '--set', 'a=b c', '', '*');
  expect(exitCode).toBe(3);
  expect(JSON.parse(stdout)).toEqual(['--set', 'a=b c', '', '*']);
});

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s reaches the program itself, with no shell in between',
  async (signal) => {
    const machine = readyMachine(`
    process.on('${signal}', () => process.exit(42));
    setInterval(() => {}, 1000);
    console.log(process.pid);
  `);
    const running = machine.run('run.sh', machine.file);
    for await (const line of running) {
      expect(Number(line)).toBe(running.pid);
      running.kill(signal);
    }
    expect((await running).exitCode).toBe(42);
  },
);
