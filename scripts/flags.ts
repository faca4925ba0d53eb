import { type ParseArgsConfig, parseArgs } from 'node:util';

/**
 * The flags of a script, as `parseArgs` reads them. What it cannot read ends the process, with one line that names the
 * script, and exit code 2.
 */
export function readFlags<Config extends ParseArgsConfig>(
  script: string,
  config: Config,
): ReturnType<typeof parseArgs<Config>>['values'] {
  try {
    return parseArgs(config).values;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error;
    console.error(`${script}: ${message.split('. To specify')[0]}`);
    process.exit(2);
  }
}
