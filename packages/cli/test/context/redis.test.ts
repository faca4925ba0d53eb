import { connectProducer } from '@spica/queues';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLocal } from '../../../../test/support/redis.ts';
import { capture, runCaptured } from '../capture.ts';

let server: Awaited<ReturnType<typeof startLocal>>;
beforeAll(async () => {
  server = await startLocal();
});
afterAll(() => server.stop());

async function run(argv: readonly string[], url = server.url) {
  const { exitCode, stderr } = await runCaptured([...argv, '--json'], capture({ env: { REDIS_URL: url } }));
  return { exitCode, code: (JSON.parse(stderr) as { error: { code: string } }).error.code };
}

it('ends with exit 4 and the code of what Redis refuses, before the work and within it', async () => {
  expect(await run(['ls'], `${server.url}/99`)).toEqual({ exitCode: 4, code: 'REDIS_DATABASE' });
  const redis = await connectProducer(server);
  await redis.config('SET', 'maxmemory', '1');
  expect(await run(['spawn', '--no-wait'])).toEqual({ exitCode: 4, code: 'REDIS_OOM' });
  await redis.config('SET', 'maxmemory', '0');
  await redis.call('ACL', 'SETUSER', 'default', 'resetpass', '>x');
  expect(await run(['status'])).toEqual({ exitCode: 4, code: 'REDIS_NOAUTH' });
  expect(await run(['prune', '--offline', '--dry-run'])).toEqual({ exitCode: 4, code: 'REDIS_NOAUTH' });
  redis.disconnect();
});
