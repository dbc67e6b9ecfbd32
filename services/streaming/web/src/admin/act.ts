import { find } from '../dom.ts'

/** How long the result of a button is shown. */
const TOAST_MS = 6000

let timer: number | undefined

/** Does what a button stands for, and says what came of it. The button cannot be pressed meanwhile. */
export async function act (button: HTMLButtonElement, action: () => Promise<string | undefined>): Promise<void> {
  button.disabled = true
  try {
    say(await action() ?? 'Done.')
  } catch (error) {
    say((error as Error).message)
  } finally {
    button.disabled = false
  }
}

function say (text: string): void {
  clearTimeout(timer)
  find('#toast').textContent = text
  timer = window.setTimeout(() => { find('#toast').textContent = '' }, TOAST_MS)
}
