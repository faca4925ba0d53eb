import manifest from '../../../package.json' with { type: 'json' };

/** Spica's version: the one of the root's `package.json`, which is the only place that names it. */
export const version: string = manifest.version;
