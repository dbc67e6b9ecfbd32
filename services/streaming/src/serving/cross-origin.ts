import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'

const EXPOSED = [
  'Accept-Ranges', 'Content-Length', 'Content-Range', 'Content-Type', 'ETag', 'Last-Modified', 'Cache-Status', 'Retry-After'
]

/** Headers of every response below /play: pages of other sites and Chromecasts may play, and read the length to seek. */
export const CROSS_ORIGIN = [
  'access-control-allow-origin', '*',
  'access-control-expose-headers', EXPOSED.join(', ')
] as const

/** Answers the preflight requests of browsers and Chromecasts, which name Content-Type too. */
export async function preflightRoutes (app: FastifyInstance) {
  await app.register(cors, {
    origin: '*',
    methods: ['GET', 'HEAD'],
    allowedHeaders: [
      'Range', 'If-Range', 'If-Match', 'If-None-Match', 'If-Modified-Since', 'If-Unmodified-Since', 'Content-Type'
    ],
    maxAge: 86400,
    strictPreflight: false
  })
}
