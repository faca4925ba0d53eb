import { type Layers, poolNames, put } from './layers.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that hold a number, and where it goes; `*` stands for every pool. */
const NUMBERS: Readonly<Record<string, readonly string[]>> = {
  SPICA_RETENTION_MAX_INSTANCES: ['pools', '*', 'retention', 'max_instances'],
  SPICA_RETENTION_MAX_AGE_DAYS: ['pools', '*', 'retention', 'max_age_days'],
  SPICA_BUDGET_CPU: ['budget', 'cpu'],
  SPICA_BUDGET_RAM_GB: ['budget', 'ram_gb'],
  SPICA_BUDGET_VRAM_GB: ['budget', 'vram_gb'],
};

/** All variables whose values a config takes over; where it and the state directory lie is another matter. */
export const CONFIG_VARIABLES: readonly string[] = [
  ...Object.keys(NUMBERS),
  'REDIS_URL',
  'REDIS_URL_FILE',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
];

const DECIMAL = /^[+-]?\d+(\.\d+)?$/;

/**
 * Puts what the environment says over what the file says. An empty variable says nothing. What is not a number is put
 * as the text it is, so that the schema refuses it and says what it wants.
 */
export function applyEnvironment(layers: Layers, env: Environment): void {
  for (const [name, path] of Object.entries(NUMBERS)) {
    const text = env[name];
    if (!text) continue;
    const value = DECIMAL.test(text.trim()) ? Number(text) : text;
    for (const each of expand(layers, path)) put(layers, each, value, `env ${name}`);
  }
  const name = env['REDIS_URL_FILE'] ? 'REDIS_URL_FILE' : 'REDIS_URL'; // whoever reads the file puts its text there
  if (env['REDIS_URL']) put(layers, ['redis', 'url'], env['REDIS_URL'], `env ${name}`);
  const endpoint = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  if (endpoint) put(layers, ['otel', 'endpoint'], endpoint, 'env OTEL_EXPORTER_OTLP_ENDPOINT');
}

function expand(layers: Layers, path: readonly string[]): (readonly string[])[] {
  if (!path.includes('*')) return [path];
  return poolNames(layers).map((pool) => path.map((key) => (key === '*' ? pool : key)));
}
