import { Type } from 'typebox'

/** The body of an answer that only says what was done. */
export function messageSchema (example: string) {
  return Type.Object({ message: Type.String() }, { examples: [{ message: example }] })
}
