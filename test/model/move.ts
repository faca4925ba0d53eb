/** An operation on what is there: what to do, and what must come of it. */
export interface Move {
  /** What the worker does, which may be cut off; resolves with what is then compared with the expected. */
  readonly work?: () => Promise<unknown>;
  /** What others do: they are not killed with the worker. */
  readonly before?: () => Promise<void> | void;
  /** Brings the model along; returns what `work` must resolve with. */
  readonly predict: () => unknown;
}
