import { STATUS_CODES } from 'node:http'
import { Type } from 'typebox'

/** The shape of all errors. */
function errorSchema (status: number, message: string) {
  return Type.Object({
    statusCode: Type.Integer(),
    error: Type.String(),
    message: Type.String({ description: 'What is wrong, and what is allowed' })
  }, { description: message, examples: [{ statusCode: status, error: `${STATUS_CODES[status]}`, message }] })
}

/** What each status says where a route has nothing more exact to say. */
const MESSAGES = {
  400: 'An input is not allowed',
  401: 'This needs the admin token: Authorization: Bearer <ADMIN_TOKEN>',
  403: 'Without an ADMIN_TOKEN only requests from this machine, for a loopback address, and of no other origin are allowed',
  404: 'There is nothing here',
  412: 'The file does not match the precondition',
  413: 'The body is larger than 5 MiB',
  415: 'The body must be JSON: Content-Type: application/json',
  416: 'The range lies outside of the file',
  422: 'The cover cannot be shown: it is damaged, larger than 60 megapixels or 40 MiB, or none of JPEG, PNG, WebP, GIF and AVIF',
  429: 'Too many wrong tokens from this address: at most 20 in a minute',
  503: 'The queue (Redis) is not reachable: please try again'
}

type Status = keyof typeof MESSAGES
type ErrorSchemas<S extends Status> = Record<S, ReturnType<typeof errorSchema>>

/** @returns the schemas of the errors with these statuses, for the `response` of a route */
export function errors<S extends Status> (...statuses: S[]): ErrorSchemas<S> {
  return Object.fromEntries(statuses.map(status => [status, errorSchema(status, MESSAGES[status])])) as ErrorSchemas<S>
}

/** The errors of every route for the admin. */
export const adminErrors = errors(401, 403, 429)
