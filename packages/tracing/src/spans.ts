import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Attributes, type Context, type Span } from '@opentelemetry/api'

export type { Attributes }

/** Spans of requests whose trace goes on in a job. The others are not sent. */
const passedOn = new WeakSet<Span>()

const tracer = trace.getTracer('mixtape-audio')

/**
 * Runs the handler of a request in a span of its own, which begins a trace. The trace is sent only where a job carries it
 * on: what is served from the cache has none.
 *
 * @returns a function that ends the span
 */
export function traceRequest (name: string, handle: () => void): (attributes: Attributes) => void {
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER }, ROOT_CONTEXT)
  context.with(trace.setSpan(ROOT_CONTEXT, span), handle)
  return attributes => { if (passedOn.has(span)) span.setAttributes(attributes).end() }
}

/** @returns the trace of the running request for the data of a job (W3C Trace Context); nothing where it is not traced */
export function traceparent (): { traceparent?: string } {
  const span = trace.getActiveSpan()
  if (!span) return {}
  passedOn.add(span)
  const carrier = {}
  propagation.inject(context.active(), carrier)
  return carrier
}

/**
 * Runs the work of a job in a span of the trace that its data carries; without one, in no span.
 *
 * @param queuedAt when the job was enqueued, in milliseconds since 1970: a second span tells how long it waited
 */
export async function continueTrace<T> (
  { traceparent, attributes, queuedAt }: { traceparent: unknown, attributes: Attributes, queuedAt?: number }, work: () => Promise<T>
): Promise<T> {
  if (typeof traceparent !== 'string') return await work()
  const parent = propagation.extract(ROOT_CONTEXT, { traceparent })
  if (!trace.getSpan(parent)) return await work() // not on in this process, or no traceparent
  if (queuedAt !== undefined) tracer.startSpan('queue', { startTime: queuedAt }, parent).end()
  return await inSpan('job', { kind: SpanKind.CONSUMER, attributes }, parent, work)
}

/** Runs a part of the work in a span of the running trace; without a trace, in no span. */
export async function span<T> (name: string, work: () => Promise<T>): Promise<T> {
  return trace.getActiveSpan() ? await inSpan(name, {}, context.active(), work) : await work()
}

/** Notes in the running span that something happened now. */
export function markEvent (name: string): void {
  trace.getActiveSpan()?.addEvent(name)
}

async function inSpan<T> (
  name: string, options: { kind?: SpanKind, attributes?: Attributes }, parent: Context, work: () => Promise<T>
): Promise<T> {
  return await tracer.startActiveSpan(name, options, parent, async span => {
    try {
      return await work()
    } catch (error) {
      span.recordException(error as Error)
      span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message })
      throw error
    } finally {
      span.end()
    }
  })
}
