/**
 * Registers the service worker, and waits until it answers the requests of this page.
 *
 * @throws with a message for people
 */
export async function registerWorker (): Promise<void> {
  if (!('serviceWorker' in navigator)) {
    throw new Error(window.isSecureContext
      ? 'This browser cannot keep music offline.'
      : 'Keeping music offline needs a page that was opened by https.')
  }
  const registration = await navigator.serviceWorker.register('/app/offline/service-worker.js', { scope: '/', type: 'module' })
    .catch(() => { throw new Error('The part of this page that plays offline could not be loaded.') })
  const installing = registration.installing ?? registration.waiting
  if (installing) {
    await new Promise<void>((resolve, reject) => {
      installing.addEventListener('statechange', () => {
        if (installing.state === 'activated') resolve()
        else if (installing.state === 'redundant') reject(new Error('This page could not be stored for offline use.'))
      })
    })
  }
}
