// A process that serves pools, and hangs once an instance is on the disk: for tests that kill it.
import { servePools } from '../serve.ts';

const [place = ''] = process.argv.slice(2);
const { of } = await servePools(JSON.parse(place));
const hang = () => {
  process.stdout.write('hangs\n');
  return new Promise<never>(() => undefined);
};
Object.assign(of('main').catalog, { commit: hang });
process.stdout.write('serves\n');
