import { parseArgs } from 'node:util';
import { describeOutcome } from './report.ts';
import { simulate } from './run.ts';

/** `npm run simulate -- --seed S [--days N]`: runs a pool through a month, draws it, and exits with 1 where a rule failed. */
const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, days: { type: 'string', default: '30' } },
});
const [seed, days] = [Number(values.seed), Number(values.days)];
if (Number.isSafeInteger(seed) && seed >= 0 && Number.isSafeInteger(days) && days >= 1 && days <= 3_650) {
  const troubles = { others: true, crashes: true, clockChanges: true, wrongProfiles: true };
  const options = { seed, days, troubles };
  const outcome = simulate(options);
  console.log(describeOutcome(options, outcome));
  process.exitCode = outcome.violations.length === 0 ? 0 : 1;
} else {
  console.error(
    `simulate: expected --seed as a whole number and --days from 1 to 3650, got ${values.seed} and ${values.days}`,
  );
  process.exitCode = 2;
}
