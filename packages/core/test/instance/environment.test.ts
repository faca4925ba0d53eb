import { expect, it } from 'vitest';
import { harmlessParams } from '../../src/index.ts';

it('lets a request name no program that a set-up would run', () => {
  const harmless = { LR: 0.1, GOAL: 'x', NODES: 3, PYTHONHASHSEED: 7, MAKER: 'y', CCC: 1, R_SQUARED: 1 };
  const steering = {
    PATH: '.',
    LD_PRELOAD: './evil.so',
    NODE_OPTIONS: '--import=data:text/javascript,',
    npm_config_script_shell: './evil',
    BASH_ENV: '$(evil)',
    PYTHONPATH: '.',
    PERL5OPT: '-Mevil',
    GIT_SSH_COMMAND: 'evil',
    MAKEFLAGS: '--eval=x',
    HOME: '.',
    THERE: 'x',
  };
  expect(harmlessParams({ ...harmless, ...steering }, { THERE: 'already' })).toEqual(harmless);
});
