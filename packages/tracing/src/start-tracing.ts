import { setTimeout } from 'node:timers/promises'
import { context, propagation, trace } from '@opentelemetry/api'

/** A collector that does not answer holds up the end of a process no longer than this. */
const FLUSH_MS = 2000

/**
 * Sends the spans of this process to a collector, as OTLP in JSON, until it ends. Only now the SDK is loaded: without
 * this call the spans are those of @opentelemetry/api, which record nothing.
 *
 * @param endpoint base URL of the collector, to which `v1/traces` is added (OTEL_EXPORTER_OTLP_ENDPOINT)
 * @returns a function that sends the last spans
 */
export async function startTracing (
  { service, version, endpoint, log }:
  { service: string, version: string, endpoint: string, log: { warn (message: string): void } }
): Promise<() => Promise<void>> {
  const [sdk, { OTLPTraceExporter }, { AsyncLocalStorageContextManager }, { setGlobalErrorHandler, W3CTraceContextPropagator }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/context-async-hooks'),
      import('@opentelemetry/core'),
      import('@opentelemetry/resources')
    ])
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` })
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': `mixtape-${service}`, 'service.version': version }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })]
  })
  const warn = (error: unknown) => { log.warn(`Traces are not sent: ${error instanceof Error ? error.message : String(error)}`) }
  setGlobalErrorHandler(warn)
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  return async () => { await Promise.race([provider.shutdown().catch(warn), setTimeout(FLUSH_MS, undefined, { ref: false })]) }
}
