import type { Config } from '../config/config.ts';
import { diskRules } from './disk-rules.ts';
import { type AlertGroup, type RuleText, toRule } from './rule.ts';
import { PROCESS_RULES, workRules } from './work-rules.ts';

export interface AlertOptions {
  /** The pools that lie in an image. */
  readonly inImage: ReadonlySet<string>;
  /** Where the page is that has a heading for each alert. */
  readonly runbooks: string;
}

/** The alerts of a config: a group for each pool, with thresholds from its settings, and one for the process. Pure. */
export function alertsOf(config: Config, { inImage, runbooks }: AlertOptions): AlertGroup[] {
  const group = (name: string, texts: Readonly<Record<string, RuleText>>): AlertGroup => ({
    name,
    rules: Object.entries(texts).map(([alert, text]) => toRule(alert, text, runbooks)),
  });
  const pools = Object.values(config.pools).map((pool) =>
    group(`spica-${pool.name}`, { ...diskRules(pool, inImage.has(pool.name)), ...workRules(pool, config) }),
  );
  return [...pools, group('spica', PROCESS_RULES)];
}
