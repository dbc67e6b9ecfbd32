import helmet from '@fastify/helmet'
import fp from 'fastify-plugin'

/**
 * Headers of pages, which allow them nothing but what they need from this server.
 *
 * @param imgSrc, mediaSrc more sources of pictures, and of audio
 */
export const pageHeadersPlugin = fp(async (app, { imgSrc = [], mediaSrc = [] }: { imgSrc?: string[], mediaSrc?: string[] }) => {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false, // with them, a page without TLS would ask for everything by https:
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", ...imgSrc],
        mediaSrc: ["'self'", ...mediaSrc],
        connectSrc: ["'self'"],
        workerSrc: ["'self'"],
        manifestSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"]
      }
    },
    strictTransportSecurity: false // for the proxy that ends TLS to decide
  })
}, { encapsulate: false })
