/** What a receiver of notifications can ask to be told of. */
export const NOTIFY_EVENTS = [
  'critical',
  'short',
  'held_over',
  'cap',
  'oversize',
  'audit_broken',
  'deletes_soon',
  'deleted',
] as const;
export type NotifyEvent = (typeof NOTIFY_EVENTS)[number];

/** What is told unless a receiver names it: what needs somebody, and no more. */
export const NOTIFY_DEFAULT: readonly NotifyEvent[] = ['critical', 'short', 'held_over', 'audit_broken'];

export const NOTIFY_FORMATS = ['json', 'slack', 'ntfy'] as const;
export type NotifyFormat = (typeof NOTIFY_FORMATS)[number];
