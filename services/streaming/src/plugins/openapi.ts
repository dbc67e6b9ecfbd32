import swagger from '@fastify/swagger'
import fp from 'fastify-plugin'
import { projectVersion } from '@mixtape/config'

/** What the groups of routes are for, in the order of the page at /docs. */
const TAGS = [
  { name: 'listen', description: 'Play tracks' },
  { name: 'library', description: 'Folders, tags and covers. `LIBRARY_ACCESS` says who may see them' },
  { name: 'mixtapes', description: 'Cache a list of tracks ahead of time, and watch how far it is' },
  { name: 'overview', description: 'All that the page at /admin/ shows' },
  { name: 'tracks', description: 'Why a track is cached, or not' },
  { name: 'queue', description: 'What waits and runs, and who runs it' },
  { name: 'failures', description: 'What failed, and why' },
  { name: 'cache', description: 'Cached files' },
  { name: 'operation', description: 'For Prometheus' },
  { name: 'health', description: 'For orchestrators' }
]

/** Describes the routes that are registered after it, from the schemas that check requests and make answers. */
export const openapiPlugin = fp(async app => {
  await app.register(swagger, {
    hideUntagged: true,
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Mixtape audio',
        version: projectVersion(),
        description: 'Serves a music library at the quality that a listener picks.\n\n' +
          'Errors are `{ statusCode, error, message }`; the message says what is wrong, and what is allowed.'
      },
      servers: [{ url: '/' }],
      tags: TAGS,
      components: {
        securitySchemes: {
          adminToken: { type: 'http', scheme: 'bearer', description: 'ADMIN_TOKEN of the server. Without one, requests from the same machine need none' }
        }
      }
    },
    transform: ({ schema, url }) => {
      if (!schema) return { schema: { hide: true }, url }
      const { params, response } = schema as { params?: { properties: Record<string, unknown> }, response?: object }
      const { '*': wildcard, ...named } = params?.properties ?? {}
      return {
        url: url.replace('*', ':path'),
        schema: {
          ...schema,
          ...wildcard ? { params: { type: 'object', properties: { ...named, path: wildcard }, required: ['path'] } } : {},
          ...response && '401' in response ? { security: [{ adminToken: [] }] } : {}
        }
      }
    }
  })
}, { name: 'openapi' })
