import { forgetToken, hasToken, setToken } from '../api/token.ts'
import { element } from '../dom.ts'

/** A problem in words. The page tries again by itself, and at once when the button is pressed. */
export function problemNotice (message: string, retry: () => void): HTMLElement {
  return element('section', { className: 'notice', role: 'alert' },
    element('h1', {}, 'This does not work now'),
    element('p', {}, message),
    element('button', { className: 'pill', click: retry }, 'Try again'))
}

/** Nothing is here, and no trying again will help. */
export function emptyNotice (title: string, text: string): HTMLElement {
  return element('section', { className: 'notice' }, element('h1', {}, title), element('p', {}, text))
}

/**
 * Asks for the admin token.
 *
 * @param texts.help why it is needed
 */
export function tokenForm (
  onToken: () => void,
  { title = 'Whose music is this?', help = 'Only its admin may look through this library.', button = 'Go on' } = {}
): HTMLElement {
  const wasWrong = hasToken()
  if (wasWrong) forgetToken()
  const token = element('input', {
    type: 'password', name: 'token', required: true, autocomplete: 'current-password', 'aria-describedby': 'token-help'
  })
  const keep = element('input', { type: 'checkbox', name: 'keep' })
  return element('form', {
    className: 'notice token',
    submit: (event: Event) => {
      event.preventDefault()
      setToken(token.value.trim(), keep.checked)
      onToken()
    }
  },
  element('h1', {}, title),
  element('p', { id: 'token-help', role: wasWrong ? 'alert' : undefined }, wasWrong
    ? 'The server does not accept this token. It may have changed: please type the ADMIN_TOKEN of the server.'
    : `${help} Please type the ADMIN_TOKEN of the server.`),
  element('label', {}, 'Token', token),
  element('label', { className: 'check' }, keep, 'Keep it in this browser'),
  element('button', { className: 'pill primary' }, button))
}
