export { startBoard } from './stack/board.ts';
