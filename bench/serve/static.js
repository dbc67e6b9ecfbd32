import fastifyStatic from '@fastify/static'
import Fastify from 'fastify'

/** A peer of the benchmark: @fastify/static with its defaults, or with larger blocks (in bytes), which make it faster. */
const [root, port, highWaterMark] = process.argv.slice(2)
const app = Fastify()
if (highWaterMark === undefined) {
  app.register(fastifyStatic, { root })
} else {
  app.register(fastifyStatic, { root, serve: false })
  app.get('/*', (request, reply) => reply.sendFile(request.params['*'], { highWaterMark: Number(highWaterMark) }))
}
await app.listen({ host: '127.0.0.1', port: Number(port) })
