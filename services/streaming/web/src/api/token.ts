const KEY = 'adminToken'

/** @returns the headers of a request that may need the admin token, which is never part of a URL */
export function authorization (): Record<string, string> {
  const token = storedToken()
  return token ? { authorization: `Bearer ${token}` } : {}
}

export function storedToken (): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY) ?? undefined
  } catch {
    return undefined // storage is forbidden
  }
}

/** @param isKept whether the browser keeps the token after it was closed */
export function storeToken (token: string, isKept: boolean): void {
  forgetToken()
  ;(isKept ? localStorage : sessionStorage).setItem(KEY, token)
}

export function forgetToken (): void {
  sessionStorage.removeItem(KEY)
  localStorage.removeItem(KEY)
}
