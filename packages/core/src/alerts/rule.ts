/** An alert as Prometheus reads it from a file of rules. */
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  /** For how long it must hold; left out for at once. */
  readonly for?: string;
  readonly labels: { readonly severity: 'critical' | 'warning' };
  readonly annotations: {
    readonly summary: string;
    readonly description: string;
    readonly runbook_url: string;
  };
}

export interface AlertGroup {
  readonly name: string;
  readonly rules: readonly AlertRule[];
}

/** What a rule says, before it is told where its page is. */
export interface RuleText {
  readonly expr: string;
  readonly for?: string;
  readonly severity: AlertRule['labels']['severity'];
  readonly summary: string;
  readonly description: string;
}

/** `runbooks`: the page that has a heading for each alert. */
export function toRule(alert: string, text: RuleText, runbooks: string): AlertRule {
  const { expr, severity, summary, description } = text;
  return {
    alert,
    expr,
    ...(text.for === undefined ? {} : { for: text.for }),
    labels: { severity },
    annotations: { summary, description, runbook_url: `${runbooks}#${alert.toLowerCase()}` },
  };
}
