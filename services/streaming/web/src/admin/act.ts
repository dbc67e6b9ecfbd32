import { announce } from '../announce.ts'

/** Does what a button stands for, and says what came of it. The button cannot be pressed meanwhile. */
export async function act (button: HTMLButtonElement, action: () => Promise<string | undefined>): Promise<void> {
  button.disabled = true
  try {
    announce(await action() ?? 'Done.')
  } catch (error) {
    announce((error as Error).message)
  } finally {
    button.disabled = false
  }
}
