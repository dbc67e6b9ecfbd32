export { startTracing } from './start-tracing.ts'
export { continueTrace, markEvent, span, traceparent, traceRequest, type Attributes } from './spans.ts'
