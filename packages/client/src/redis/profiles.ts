import type { Page, ProfileView } from '../view.ts';
import type { CatalogPool } from './connection.ts';

/** Experiments come and go: those are listed whose instances finished last. */
const MOST_LISTED = 200;

/** What instances become by template and experiment, those first that finished last, and how well that was foretold. */
export async function listProfiles({ catalog }: CatalogPool): Promise<Page<ProfileView>> {
  const found = await catalog.listProfiles(MOST_LISTED);
  const items = found.map(({ of, profile, set }): ProfileView => {
    const { n, bytes, predictions } = profile;
    return {
      kind: of.startsWith('template:') ? 'template' : 'experiment',
      name: of.slice(of.indexOf(':') + 1),
      count: n,
      p50Bytes: bytes.p50,
      p95Bytes: bytes.p95,
      expectedBytes: set?.bytes ?? bytes.p95,
      predictedBytes: predictions?.predictedBytes ?? null,
      actualBytes: predictions?.actualBytes ?? null,
    };
  });
  return { items, next: null };
}
