import type { TranscodeJob } from './job.ts'

/** Jobs of one priority. A lane has the name of the reason that gives this priority. */
export type Lane = TranscodeJob['reason']

/**
 * BullMQ priority of a job by its reason: the lower the number, the sooner it runs. Jobs that a listener waits for
 * overtake all others.
 */
export const priorities: Record<Lane, number> = { miss: 1, mixtape: 2, warm: 3, nightly: 4 }

/** All lanes, in the order in which their jobs run. */
export const lanes = Object.keys(priorities) as Lane[]

/** @returns the lane that a job waits in: not that of its reason once it was promoted */
export function laneOf (priority: number): Lane {
  return lanes.find(lane => priorities[lane] === priority) ?? 'miss'
}
