import { Type, type TSchema } from 'typebox'

/** @returns a schema that also allows null */
export function nullable<T extends TSchema> (schema: T) {
  return Type.Union([schema, Type.Null()])
}
