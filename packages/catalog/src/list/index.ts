export { indexedCandidates, stayingRows } from './candidates.ts';
export { indexOf } from './instance-index.ts';
export { departureOfRow, type JudgeTerms, judgeRows, judgeTerms } from './judge.ts';
export { countUpTo, type Order, orderOf, type Place, sortRows } from './order.ts';
export { type Row, toRow } from './row.ts';
