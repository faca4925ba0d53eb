import { CronExpressionParser } from 'cron-parser';

/**
 * Whether BullMQ, whose parser this is, can tell the next time of a cron pattern. It can not for a field out of range,
 * nor for a day that there never is (`0 0 31 4 *`).
 */
export function isCronPattern(text: string): boolean {
  try {
    // Any date will do: what comes once comes again.
    CronExpressionParser.parse(text, { currentDate: new Date(0) }).next();
    return true;
  } catch {
    return false;
  }
}

/** The first time that a cron pattern comes to after `since`; both epoch milliseconds. Throws for what is no pattern. */
export function nextCronTime(pattern: string, since: number): number {
  return CronExpressionParser.parse(pattern, { currentDate: new Date(since) })
    .next()
    .getTime();
}
