import { element } from '../dom.ts'

/** Asks before something gets lost. @returns whether the user agrees */
export async function confirm (question: string, agree: string): Promise<boolean> {
  const dialog = element('dialog', { className: 'notice', 'aria-label': question },
    element('p', { className: 'question' }, question),
    element('div', { className: 'hero-actions' },
      element('button', { className: 'pill primary', click: () => { dialog.close('yes') } }, agree),
      element('button', { className: 'pill', autofocus: true, click: () => { dialog.close() } }, 'Cancel')))
  document.body.append(dialog)
  dialog.showModal()
  await new Promise(resolve => { dialog.addEventListener('close', resolve, { once: true }) })
  dialog.remove()
  return dialog.returnValue === 'yes'
}
