import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { Queue } from 'bullmq';
import { findJob } from './find-job.ts';

export type BoardJob = NonNullable<Awaited<ReturnType<BullMQAdapter['getJob']>>>;
export type BoardAdapterOptions = NonNullable<ConstructorParameters<typeof BullMQAdapter>[1]>;

/** A queue as the board shows it. What lies beside its jobs under similar names, such as its schedules, is no job. */
export class BoardAdapter extends BullMQAdapter {
  readonly #queue: Queue;

  constructor(queue: Queue, options: BoardAdapterOptions) {
    super(queue, options);
    this.#queue = queue;
  }

  override async getJob(id: string): Promise<BoardJob | undefined> {
    return (await findJob(this.#queue, id)) as BoardJob | undefined;
  }
}
