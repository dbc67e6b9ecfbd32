import { fetchFolder } from '../api/library.ts'
import { get, post } from '../api/overview.ts'
import { element, find } from '../dom.ts'
import { act } from './act.ts'

/** Precaches folders, tracks and mixtapes; starts the nightly run; clears the cache, after a dry run. */
export function startForms (): { refresh: () => Promise<void> } {
  startPrecache()
  startClear()
  const nightly = find<HTMLButtonElement>('#nightly')
  nightly.addEventListener('click', () => act(nightly, async () => (await post('/admin/nightly')).message))
  return { refresh }
}

/** Offers the mixtapes and folders that there are. */
async function refresh (): Promise<void> {
  const [{ mixtapes }, { entries }] = await Promise.all([
    get<{ mixtapes: { slug: string, title?: string }[] }>('/mixtapes').catch(() => ({ mixtapes: [] })),
    fetchFolder('', { offset: 0, limit: 500, filter: '' }).catch(() => ({ entries: [] }))
  ])
  const select = find<HTMLSelectElement>('#precache [name=what]')
  const chosen = select.value
  select.replaceChildren(element('option', { value: '' }, 'A folder or a track'),
    ...mixtapes.map(({ slug, title }) => element('option', { value: slug }, `Mixtape: ${title ?? slug}`)))
  select.value = chosen
  find('#folders').replaceChildren(...entries.filter(({ type }) => type === 'folder').map(({ path }) => element('option', { value: path })))
}

function startPrecache (): void {
  const form = find<HTMLFormElement>('#precache')
  const what = find<HTMLSelectElement>('#precache [name=what]')
  what.addEventListener('change', () => { find('#precache-path').hidden = what.value !== '' })
  form.addEventListener('submit', event => {
    event.preventDefault()
    const { path = '', quality = '' } = valuesOf(form)
    const query = { ...what.value ? { mixtape: what.value } : { path }, ...quality ? { quality } : {} }
    act(find<HTMLButtonElement>('#precache .primary'), async () => (await post('/admin/precache', query)).message)
  })
}

function startClear (): void {
  const form = find<HTMLFormElement>('#clear')
  const clear = find<HTMLButtonElement>('#clear-now')
  const result = find('#clear-result')
  const filters = () => Object.fromEntries(Object.entries(valuesOf(form)).filter(([, value]) => value))
  form.addEventListener('input', () => {
    clear.disabled = true // until it is counted again
    result.textContent = ''
  })
  form.addEventListener('submit', event => {
    event.preventDefault()
    const count = async () => {
      const asked = filters()
      const { message = '', would_delete_files: files = 0 } = await post('/admin/cache/clear', { ...asked, dry_run: 'true' }) as
        { message?: string, would_delete_files?: number }
      if (JSON.stringify(filters()) !== JSON.stringify(asked)) return // another selection than that which was counted
      result.textContent = `${message}.`
      clear.disabled = files === 0
    }
    count().catch(error => { result.textContent = (error as Error).message })
  })
  clear.addEventListener('click', () => act(clear, async () => (await post('/admin/cache/clear', filters())).message)
    .then(() => {
      clear.disabled = true
      result.textContent = ''
    }))
}

function valuesOf (form: HTMLFormElement): Record<string, string> {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, `${value}`.trim()]))
}
