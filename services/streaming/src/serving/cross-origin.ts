import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'

const EXPOSED = [
  'Accept-Ranges', 'Content-Length', 'Content-Range', 'Content-Type', 'ETag', 'Last-Modified', 'Cache-Status', 'Retry-After'
]

/** A page of another origin, or a Chromecast, plays too, and has to see how long the file is to seek in it. */
export const CROSS_ORIGIN = [
  'access-control-allow-origin', '*',
  'access-control-expose-headers', EXPOSED.join(', ')
] as const

/** Answers what a browser asks before it asks for a range. Its hook would cost every other answer more than it says. */
export async function preflightRoutes (app: FastifyInstance) {
  await app.register(cors, {
    origin: '*',
    methods: ['GET', 'HEAD'],
    allowedHeaders: ['Range', 'If-Range', 'If-Match', 'If-None-Match', 'If-Modified-Since', 'If-Unmodified-Since'],
    maxAge: 86400,
    strictPreflight: false
  })
}
