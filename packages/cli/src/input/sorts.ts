/** What instances are sorted by. */
export const SORTS = ['spawned', 'age', 'score', 'size', 'id', 'experiment', 'template', 'lease'] as const;
