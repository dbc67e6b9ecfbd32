import { Type } from 'typebox'

const status = Type.String({
  enum: ['ok', 'degraded', 'unavailable'],
  description: 'degraded: what is on the disk is played, and something is wrong; unavailable: nothing can be played, or the replica is about to stop'
})

const problem = {
  code: Type.String({ description: 'For programs; it does not change with the words' }),
  message: Type.String({ description: 'What is wrong, and what to do' })
}

/** What everyone may know: without the names of hosts and folders. */
export function publicHealthSchema (description: string, example: object) {
  return Type.Object({ status, problems: Type.Array(Type.Object(problem)) }, { description, examples: [example] })
}

/** What the admin gets. */
export const healthSchema = Type.Object({
  status,
  problems: Type.Array(Type.Object({
    ...problem, names: Type.Optional(Type.Array(Type.String(), { description: 'Hosts or folders that it is about' }))
  }))
}, {
  examples: [{
    status: 'degraded',
    problems: [{ code: 'no_worker', message: 'No worker is there: nothing is transcoded until one is started.' }]
  }]
})
