import { Type, type TSchema } from 'typebox'

/** @returns the schema of an object that has the same kind of value for each name */
export function record<Name extends string, T extends TSchema> (names: readonly Name[], schema: T) {
  return Type.Object(Object.fromEntries(names.map(name => [name, schema])) as Record<Name, T>)
}
