export * from './admission/space.ts';
export * from './clock.ts';
export * from './errors.ts';
export * from './instance/id.ts';
export * from './instance/record.ts';
