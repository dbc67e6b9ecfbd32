import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { t, type Test } from 'tap'
import { parse, parseAllDocuments } from 'yaml'
import { readConfig } from '@mixtape/config'
import { build } from './fixtures/app.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const variables = new Set([...read('docs/configuration.md').matchAll(/^\| (`[A-Z_, `]+`)/gm)].flatMap(([, names]) => names!.match(/\w+/g)))

/** Checks that an environment has variables of docs/configuration.md only, with values that the services accept. */
function checkEnvironment (t: Test, env: Record<string, string>): void {
  t.strictSame(Object.keys(env).filter(name => !variables.has(name)), [], 'every variable is one of docs/configuration.md')
  t.doesNotThrow(() => readConfig(env))
}

/** The kinds of each API version, as classes that validate. */
const models: Record<string, unknown> = {
  v1: await import('kubernetes-models/v1'),
  'apps/v1': await import('kubernetes-models/apps/v1'),
  'policy/v1': await import('kubernetes-models/policy/v1'),
  'networking.k8s.io/v1': await import('kubernetes-models/networking.k8s.io/v1'),
  'keda.sh/v1alpha1': await import('@kubernetes-models/keda/keda.sh/v1alpha1')
}

const folders = ['base', 'keda'].map(name => `deploy/kubernetes/${name}`)
const manifests = folders.flatMap(folder => readdirSync(join(root, folder)).flatMap(file => {
  return parseAllDocuments(read(`${folder}/${file}`)).map(document => document.toJS())
}))
const deployments = manifests.filter(({ kind }) => kind === 'Deployment')

t.test('the manifests of Kubernetes are valid by its schemas, and those of KEDA', async t => {
  for (const manifest of manifests) {
    const { apiVersion, kind, metadata } = manifest
    if (kind === 'Kustomization') continue
    const { [kind]: Model } = models[apiVersion] as Record<string, new (manifest: object) => { validate: () => void }>
    t.doesNotThrow(() => new Model!(manifest).validate(), `${kind} ${metadata.name}`)
  }
  t.same(deployments.map(({ metadata }) => metadata.name).sort(), ['streaming', 'worker'])
})

t.test('both deployments may do nothing that they need not, and their probes are routes', async t => {
  const { app } = await build(t)
  for (const { spec: { template: { spec: { containers: [container], securityContext } } } } of deployments) {
    t.match(securityContext, { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    t.match(container.securityContext, { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } })
    t.ok(container.resources.limits.memory)
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'].filter(name => container[name])) {
      t.ok(app.hasRoute({ method: 'GET', url: container[probe].httpGet.path }), `${container.name}: ${probe}`)
    }
  }
  for (const { spec: { template: { spec: { containers: [{ env }] } } } } of deployments) {
    t.strictSame(env.map(({ name }: { name: string }) => name).filter((name: string) => !variables.has(name)), [])
  }
  const { configMapGenerator: [{ literals }] } = parse(read('deploy/kubernetes/base/kustomization.yaml'))
  checkEnvironment(t, Object.fromEntries(literals.map((literal: string) => literal.split(/=(.*)/))))
})

t.test('images that others made are named by digest', async t => {
  const { services } = parse(read('docker-compose.yml'), { merge: true }) as { services: Record<string, { image: string, build?: string }> }
  const images = [
    ...[...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, image]) => image!),
    ...Object.values(services).filter(({ build }) => build === undefined).map(({ image }) => image)
  ]
  t.equal(images.length, 4)
  for (const image of images) t.match(image, /^[a-z]+:[\w.-]+@sha256:[0-9a-f]{64}$/)
})

t.test('the scaled compose file confines the services of docker-compose.yml', async t => {
  const { services, networks } = parse(read('deploy/compose/scaled.yml'), { merge: true })
  const { services: simple } = parse(read('docker-compose.yml'), { merge: true })
  t.same(Object.keys(services).sort(), Object.keys(simple).sort())
  for (const [name, service] of Object.entries(services)) {
    t.match(service, { read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] }, name)
  }
  t.same(services.worker.networks, ['queue'])
  t.same(networks.queue, { internal: true }, 'the worker reaches no other host')
  const given = Object.entries(simple.worker.environment as Record<string, string>).filter(([, value]) => !`${value}`.includes('${'))
  checkEnvironment(t, Object.fromEntries(given.map(([name, value]) => [name, `${value}`])))
})

t.test('systemd accepts the units, and finds little exposure', async t => {
  const dir = t.testdir(Object.fromEntries(['mixtape-streaming.service', 'mixtape-worker.service'].map(name => [
    name, read(`deploy/systemd/${name}`).replaceAll('/opt/mixtape-audio', root.slice(0, -1))
  ])))
  for (const name of readdirSync(dir)) {
    const unit = join(dir, name)
    t.doesNotThrow(() => execFileSync('systemd-analyze', ['verify', '--man=no', unit], { stdio: 'pipe' }), name)
    // In tenths of a point, of 10 points.
    t.doesNotThrow(() => execFileSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', unit], { stdio: 'pipe' }), name)
  }
  const pairs = (text: string, line: RegExp) => [...text.matchAll(line)].map(([, name, value]) => [name, value])
  const environments = readdirSync(dir).map(name => Object.fromEntries([
    ...pairs(read(`deploy/systemd/${name}`), /^Environment=(\w+)=(.*)$/gm),
    ...pairs(read('deploy/systemd/mixtape-audio.env'), /^(\w+)=(.*)$/gm) // a file wins over Environment=
  ]) as Record<string, string>)
  for (const env of environments) checkEnvironment(t, env)
  const metricsPorts = environments.map(({ METRICS_PORT, PORT }) => METRICS_PORT ?? PORT)
  t.equal(new Set(metricsPorts).size, environments.length, 'each service has its metrics at a port of its own')
})
