import { getContainerRuntimeClient, getReaper, ImageName } from 'testcontainers';

/** Finding out whether an engine answers takes this long at most. */
const ENGINE_MS = 2_000;
/** A missing image is pulled, for this long at most. */
const PULL_MS = 45_000;

/**
 * Why no container of an image can be started here, in a few words, or null when it can. Pulls the image where it is
 * missing.
 */
export async function missingImage(image: string): Promise<string | null> {
  const client = await within(ENGINE_MS, getContainerRuntimeClient()).catch(() => null);
  if (!client) return 'no Docker engine runs here';
  const name = ImageName.fromString(image);
  try {
    if (!(await client.image.exists(name))) await within(PULL_MS, client.image.pull(name));
    await client.image.inspect(name); // a pull that failed half-way ends like one that did not
  } catch (error) {
    return `no image ${image}: ${firstLine(error)}`;
  }
  try {
    await within(PULL_MS, getReaper(client));
    return null;
  } catch (error) {
    return `Ryuk, which sweeps up after containers, does not start (TESTCONTAINERS_RYUK_DISABLED=true does without it): ${firstLine(error)}`;
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0] ?? '';
}
