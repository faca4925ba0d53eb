import { type ConfigInput, resolveConfig } from '../../src/index.ts';

/** Resolves a config from the text of `/etc/spica/spica.yaml`, and tells of a setting what it is and where it is from. */
export function resolve(text: string | null, { env = {}, flags = {} }: Partial<ConfigInput> = {}) {
  const file = text === null ? null : { path: '/etc/spica/spica.yaml', text };
  const { config, effective } = resolveConfig({ file, env, flags, cwd: '/work', home: '/home/ada' });
  const at = (path: string) => {
    const setting = effective.find((each) => each.path === path);
    return setting && [setting.value, setting.source];
  };
  return { config, effective, at };
}
