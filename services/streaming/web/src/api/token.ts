const KEY = 'adminToken'

/** Also where the browser forbids storage: then until the page is closed. */
let token = stored()

/** @returns the headers of a request that may need the admin token, which is never part of a URL */
export function authorization (): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

export function hasToken (): boolean {
  return token !== undefined
}

/** @param isKept whether the browser keeps the token after it was closed */
export function setToken (text: string, isKept: boolean): void {
  forgetToken()
  token = text
  try {
    (isKept ? localStorage : sessionStorage).setItem(KEY, text)
  } catch {
    // not remembered
  }
}

export function forgetToken (): void {
  token = undefined
  try {
    sessionStorage.removeItem(KEY)
    localStorage.removeItem(KEY)
  } catch {
    // nothing was remembered
  }
}

function stored (): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? undefined
  } catch {
    return undefined
  }
}
