import { STATUS_CODES } from 'node:http'
import { Type } from 'typebox'

/** The shape of all errors. */
function errorSchema (status: number, description: string) {
  return Type.Object({
    statusCode: Type.Integer(),
    error: Type.String(),
    message: Type.String({ description: 'What is wrong, and what is allowed' })
  }, { description, examples: [{ statusCode: status, error: `${STATUS_CODES[status]}`, message: description }] })
}

/** What each status says where a route has nothing more exact to say. */
const DESCRIPTIONS = {
  400: 'An input is not allowed',
  401: 'This needs the admin token: Authorization: Bearer <ADMIN_TOKEN>',
  403: 'Not from another origin',
  404: 'There is nothing here',
  503: 'The queue (Redis) is not reachable: please try again'
}

type Status = keyof typeof DESCRIPTIONS

/** @returns the schemas of the errors with these statuses, for the `response` of a route */
export function errors<S extends Status> (...statuses: S[]): Record<S, ReturnType<typeof errorSchema>> {
  return Object.fromEntries(
    statuses.map(status => [status, errorSchema(status, DESCRIPTIONS[status])])
  ) as Record<S, ReturnType<typeof errorSchema>>
}

/** The errors of every route for the admin. */
export const adminErrors = errors(401, 403)
