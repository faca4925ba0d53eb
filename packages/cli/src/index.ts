export { submitSpawn } from './request/submit.ts';
export { startBoard } from './stack/board.ts';
export { runJob } from './wait/job.ts';
