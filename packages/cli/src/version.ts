import manifest from '../package.json' with { type: 'json' };

/** Spica's version, as the packages carry it. */
export const version: string = manifest.version;
