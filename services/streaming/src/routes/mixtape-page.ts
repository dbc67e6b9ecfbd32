import type { FastifyInstance } from 'fastify'
import { COVER_TRACKS, mixtapeCover } from '../covers/mixtape-cover.ts'
import { linkPreview } from '../mixtapes/link-preview.ts'
import { originOf } from '../serving/origin.ts'

const UNKNOWN = '<section class="notice"><h1>There is no such mixtape</h1>' +
  '<p>It may have been removed, or the link is not complete.</p></section>'

/**
 * GET /mixtape/<slug>: the page of a mixtape, with tags for the preview of its link.
 *
 * @param options.html the page, which itself shows what belongs to the URL
 */
export async function mixtapePageRoutes (app: FastifyInstance, { html }: { html: string }) {
  app.get('/mixtape/:slug', async (request, reply) => {
    const { slug } = request.params as { slug: string }
    reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache')
    const mixtape = await app.mixtapes.get(slug).catch(() => 'unreachable' as const)
    if (mixtape === 'unreachable') return reply.code(503).header('retry-after', '5').send(html) // the page tries again
    if (!mixtape) {
      return reply.code(404).send(withTitle('<title>No such mixtape · Mixtape audio</title>').replace(/(<main[^>]*>)/, `$1${UNKNOWN}`))
    }
    const { title = slug, tracks: { length: total } } = mixtape
    const tracks = await app.trackEntries.findAll(mixtape.tracks.slice(0, COVER_TRACKS))
    const image = await mixtapeCover(app, tracks) ? `/mixtapes/${slug}/cover.jpg` : '/icon-512.png'
    const origin = originOf(request)
    return reply.send(withTitle(linkPreview({ title, tracks }, { total, url: `${origin}/mixtape/${slug}`, image: origin + image })))
  })

  /** @param tags replace the title of the page */
  function withTitle (tags: string): string {
    return html.replace(/<meta name="description"[^>]*>\s*<title>.*<\/title>/, () => tags)
  }
}
