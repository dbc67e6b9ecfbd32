import { request, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http'
import { buffer } from 'node:stream/consumers'

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: Buffer
  json (): any
}

/** Sends exactly this target and these headers, which fetch would tidy up first. */
export function http (
  base: string, path: string, { method = 'GET', headers = {}, body }: { method?: string, headers?: OutgoingHttpHeaders, body?: unknown } = {}
): Promise<Answer> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve, reject) => {
    const json = body === undefined ? undefined : JSON.stringify(body)
    const type = json === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }
    request({ hostname, port, path, method, headers: { ...type, ...headers }, agent: false }, response => {
      buffer(response).then(bytes => resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: bytes,
        json: () => JSON.parse(bytes.toString())
      }), reject)
    }).on('error', reject).end(json)
  })
}
