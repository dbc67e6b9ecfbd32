import type { TranscodeJob } from './job.ts'

/**
 * BullMQ priority of a job by its reason: the lower the number, the sooner it runs. Jobs that a listener waits for
 * overtake all others.
 */
export const priorities: Record<TranscodeJob['reason'], number> = { miss: 1, mixtape: 2, warm: 3, nightly: 4 }
