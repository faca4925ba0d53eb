import { describe, expect, it } from 'vitest';
import { absolutePathOf, configFileCandidates, resolveConfig } from '../../src/index.ts';
import { resolve } from './resolving.ts';

const FILE = `
pools:
  main: { root: ~/instances, templates: { default: "~/t", other: ./~odd } }
  second: { root: "~" }
audit: { path: ~/log/audit.jsonl }
`;

describe('~/ at the start of a path', () => {
  it('is the home directory, in every setting that is a path', () => {
    const { config } = resolve(FILE, { env: { SPICA_STATE_DIR: '~/state' } });
    expect(config.pools['main']).toMatchObject({
      root: '/home/ada/instances',
      templates: { default: { path: '/home/ada/t' }, other: { path: '/etc/spica/~odd' } },
    });
    expect(config.pools['second']?.root).toBe('/home/ada');
    expect(config.audit.path).toBe('/home/ada/log/audit.jsonl');
    expect(config.stateDir).toBe('/home/ada/state');
    const candidates = configFileCandidates({
      env: { SPICA_CONFIG: '~/c.yaml' },
      cwd: '/w',
      home: '/home/ada',
    });
    expect(candidates).toEqual(['/home/ada/c.yaml']);
    expect(absolutePathOf('--config', '~/c.yaml', { base: '/w', home: '/home/ada' })).toBe(
      '/home/ada/c.yaml',
    );
  });
});

const DOLLAR = 'expected a path without $, since variables are not replaced in it';
const TILDE = 'expected an absolute path, a relative one, or one below ~/ (your home directory)';

describe('a path that a shell would have changed is refused, by its name', () => {
  it.each([
    ['pools: { main: { root: $HOME/i } }', `pools.main.root: ${DOLLAR}, got "$HOME/i" (spica.yaml:1)`],
    ['pools: { main: { root: ~eve/i } }', `pools.main.root: ${TILDE}, got "~eve/i" (spica.yaml:1)`],
    [
      'pools: { main: { templates: { default: "$' + '{T}" } } }',
      `pools.main.templates.default: ${DOLLAR}, got "\${T}" (spica.yaml:1)`,
    ],
    ['audit: { path: ~log }', `audit.path: ${TILDE}, got "~log" (spica.yaml:1)`],
  ])('%s', (text, problem) => {
    expect(() => resolve(text)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: problem }),
    );
  });

  it('in the environment and on the command line', () => {
    const cwd = '/w';
    expect(() => resolve(null, { env: { SPICA_STATE_DIR: '$X' } })).toThrow(
      `SPICA_STATE_DIR: ${DOLLAR}, got "$X"`,
    );
    expect(() => configFileCandidates({ env: { SPICA_CONFIG: '~x' }, cwd, home: '/h' })).toThrow(
      `SPICA_CONFIG: ${TILDE}, got "~x"`,
    );
    expect(() => absolutePathOf('--config', '$X', { base: cwd, home: '/h' })).toThrow(
      `--config: ${DOLLAR}, got "$X"`,
    );
  });
});

describe('where the working directory is gone', () => {
  const gone = { cwd: null, home: '/home/ada' };

  it('what is absolute, or starts at home, is found all the same', () => {
    const file = { path: '/etc/spica/spica.yaml', text: FILE };
    const { config } = resolveConfig({ file, env: {}, flags: {}, ...gone });
    expect(config.pools['main']?.templates['other']?.path).toBe('/etc/spica/~odd');
    expect(configFileCandidates({ env: {}, ...gone })).toEqual(['/home/ada/.config/spica/spica.yaml']);
    expect(absolutePathOf('--config', '~/c.yaml', { base: null, home: '/home/ada' })).toBe(
      '/home/ada/c.yaml',
    );
  });

  it('what is relative to it is refused', () => {
    const refused = expect.objectContaining({ kind: 'usage', code: 'WORKING_DIRECTORY_GONE' });
    const file = { path: '/etc/spica/spica.yaml', text: FILE };
    const env = { SPICA_STATE_DIR: 'state' };
    expect(() => resolveConfig({ file, env, flags: {}, ...gone })).toThrow(refused);
    expect(() => resolveConfig({ file: null, env: {}, flags: {}, ...gone })).toThrow(
      '"./instances" is relative',
    );
    expect(() => absolutePathOf('--config', 'c.yaml', { base: null, home: '/home/ada' })).toThrow(refused);
  });
});
