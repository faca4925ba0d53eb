import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { envValueOf, type Param, validateParams } from '@spica/core';
import { parse } from 'dotenv';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appendParams } from '../../src/clone/env-file.ts';

let dir: string;
let path: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'spica-env-'));
  path = join(dir, '.env.spica');
});
afterAll(() => rm(dir, { recursive: true }));

async function write(params: Readonly<Record<string, Param>>): Promise<string> {
  await writeFile(path, '# of the template\nOLD=1\n');
  await appendParams(dir, params);
  return readFile(path, 'utf8');
}

type Values = Readonly<Record<string, string>>;

/** What a shell that sources the file has in its variables. */
function readWithShell(names: readonly string[]): Values {
  const print = names.map((name) => `printf '%s\\0' "$${name}"`).join('; ');
  const env = { PATH: process.env['PATH'] ?? '', HOME: '/home/of-somebody' };
  const output = execFileSync('sh', ['-c', `. "$1"; ${print}`, 'sh', path], { cwd: dir, env }).toString();
  return Object.fromEntries(
    output.split('\0').flatMap((value, at) => (names[at] ? [[names[at], value]] : [])),
  );
}

function readWithDotenv(text: string, names: readonly string[], fast: boolean): Values {
  const all = parse(text, { fast });
  return Object.fromEntries(names.map((name) => [name, all[name] ?? 'not there']));
}

const READ = 'import dotenv,json,sys; print(json.dumps(dotenv.dotenv_values(sys.argv[1])))';

function readWithPython(names: readonly string[]): Values {
  const all = JSON.parse(execFileSync('python3', ['-c', READ, path]).toString()) as Values;
  return Object.fromEntries(names.map((name) => [name, all[name] ?? 'not there']));
}

/** Null where python3 has python-dotenv. */
function missingPython(): string | null {
  try {
    execFileSync('python3', ['-c', 'import dotenv; dotenv.dotenv_values'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'python3 with python-dotenv is not installed';
  }
}

/** Texts of what means something to one reader or another, and of anything else that a parameter may hold. */
const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...`'"\`\\$#!~&|;<>(){}[]*?=: \t^%@,.-+`,
        '$(touch x)',
        '`touch x`',
        `\${HOME}`,
        '\\n',
        ' #',
        '\u2028',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
      fc.string({ maxLength: 4 }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join('').replaceAll(/[\n\r\0]/g, ''))
  .filter((text) => text.isWellFormed() && typeof envValueOf(text) === 'string');

function numbered(values: readonly string[]): Readonly<Record<string, string>> {
  const params = Object.fromEntries(values.map((value, at) => [`P_${at}`, value]));
  validateParams(params);
  return params;
}

describe('the parameters in .env.spica', () => {
  it('are read back as they were by sh and by dotenv, whatever they hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(texts, { minLength: 1, maxLength: 20 }), async (values) => {
        const params = numbered(values);
        const text = await write(params);
        const names = Object.keys(params);
        expect(readWithShell(names)).toEqual(params);
        expect(readWithDotenv(text, names, false)).toEqual(params);
        expect(readWithDotenv(text, names, true)).toEqual(params);
      }),
      { numRuns: 100 },
    );
  });

  it('are read back by python-dotenv too', async (context) => {
    const missing = missingPython();
    if (missing !== null) context.skip(missing);
    // One file for all: to start Python takes longer than everything else here.
    const params = numbered(fc.sample(texts, 500));
    await write(params);
    expect(readWithPython(Object.keys(params))).toEqual(params);
  });

  it('stand there without quotes where they need none, and in those that hold them where they do', async () => {
    const text = await write({
      SEED: 7,
      ON: true,
      URL: 'a/b:c@d',
      E: '',
      Y: 'a b',
      N: '$(touch x)',
      Q: "it's",
    });
    expect(text).toBe(
      "# of the template\nOLD=1\nSEED=7\nON=true\nURL=a/b:c@d\nE=\nY='a b'\nN='$(touch x)'\nQ=\"it's\"\n",
    );
  });

  it.each([0o640, 0o600, 0o444])('leave the mode that the template has: %o', async (mode) => {
    await writeFile(path, '');
    await chmod(path, mode);
    await appendParams(dir, { A: 'b' });
    expect((await stat(path)).mode & 0o777).toBe(mode);
    await chmod(path, 0o600);
  });
});
