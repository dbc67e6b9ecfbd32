/** Exit codes of all commands. */
export const EXIT = { ok: 0, found: 1, usage: 2, unreachable: 3 }

/** The message of an error is all that a person needs; `exitCode` is what the process ends with. */
export class CommandError extends Error {
  readonly exitCode: number

  constructor (message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}

/** The streaming service, as the admin sees it. */
export class Server {
  readonly #url: string
  readonly #token: string | undefined

  /** @throws {CommandError} where it is no http URL */
  constructor (url: string, token: string | undefined) {
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) throw new CommandError(`--url is "${url}". Allowed: a URL that starts with http:// or https://.`, EXIT.usage)
    this.#url = url.replace(/\/+$/, '')
    this.#token = token
  }

  /** @throws {CommandError} with the words of the server */
  async get<T> (path: string, query: Record<string, string | undefined> = {}): Promise<T> {
    return await this.#request('GET', path, query) as T
  }

  /** @throws {CommandError} with the words of the server */
  async post<T> (path: string, query: Record<string, string | undefined> = {}): Promise<T> {
    return await this.#request('POST', path, query) as T
  }

  async #request (method: string, path: string, query: Record<string, string | undefined>): Promise<unknown> {
    const set = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const headers: Record<string, string> = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }
    let response: Response
    try {
      response = await fetch(`${this.#url}${path}?${new URLSearchParams(set)}`, { method, headers })
    } catch {
      throw new CommandError(`${this.#url} does not answer. Is it running there? --url or MIXTAPE_URL names another address.`, EXIT.unreachable)
    }
    const body = await response.json().catch(() => ({})) as { message?: string }
    if (response.ok) return body
    const hint = response.status === 401 ? ' --token or ADMIN_TOKEN gives it.' : ''
    const exitCode = response.status === 400 || response.status === 404 ? EXIT.usage : EXIT.unreachable
    const message = body.message ?? `The server answered ${response.status}`
    throw new CommandError(`${message.replace(/\.?$/, '.')}${hint}`, exitCode)
  }
}
