// Traces for OpenTelemetry, if OTEL_EXPORTER_OTLP_ENDPOINT is set: a span per request, under it one for each
// turn of the jobs that it started, on whichever replica, and one per call to Salesforce or Nango. Names and
// states only: no ids of tenants, no bodies, no addresses.

export interface SpanStart {
  name: string
  of: 'request' | 'job'
  attributes?: SpanAttributes
  /** What `current` gave elsewhere: the span belongs under that one. Default: under the current span. */
  trace?: string | undefined
}

export type SpanAttributes = Record<string, string | number>

/** Runs `work` inside a span; what it throws marks the span and is rethrown. `note` adds attributes. */
export type InSpan = <T>(
  start: SpanStart,
  work: (note: (attributes: SpanAttributes) => void) => Promise<T>,
) => Promise<T>

export interface Tracing {
  span: InSpan
  /** The current span as W3C's `traceparent`, to be kept with work that is done later; undefined: none. */
  current(): string | undefined
  /** Records a call that has just ended, under the current span. */
  call(
    service: 'salesforce' | 'nango',
    event: { kind: string; status: number | null; ms: number },
  ): void
  /** Sends what is pending. */
  close(): Promise<void>
}

/** Traces nothing. */
export const NO_TRACING: Tracing = {
  span: (_start, work) => work(() => undefined),
  current: () => undefined,
  call: () => undefined,
  close: () => Promise.resolve(),
}

/** Traces to this OTLP endpoint; without one, none. */
export const createTracing = async (endpoint: string | undefined): Promise<Tracing> => {
  if (endpoint === undefined) return NO_TRACING
  // Four hundred modules, loaded only if needed.
  const [api, { OTLPTraceExporter }, { resourceFromAttributes }, sdk] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace-node'),
  ])
  const { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = api
  const { BatchSpanProcessor, NodeTracerProvider } = sdk
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'sfdc-engine-x' }),
    spanProcessors: [
      new BatchSpanProcessor(
        new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` }),
      ),
    ],
  })
  provider.register()
  const tracer = provider.getTracer('sfdc-engine-x')
  return {
    span: ({ name, of, attributes = {}, trace: traceparent }, work) => {
      const kind = of === 'request' ? SpanKind.SERVER : SpanKind.CONSUMER
      const parent =
        traceparent === undefined
          ? context.active()
          : propagation.extract(ROOT_CONTEXT, { traceparent })
      return tracer.startActiveSpan(name, { kind, attributes }, parent, async (span) => {
        try {
          return await work((more) => void span.setAttributes(more))
        } catch (error) {
          const { code } = error as { code?: unknown }
          span.setStatus({
            code: SpanStatusCode.ERROR,
            ...(typeof code === 'string' ? { message: code } : {}),
          })
          throw error
        } finally {
          span.end()
        }
      })
    },
    current: () => {
      const carrier: { traceparent?: string } = {}
      propagation.inject(context.active(), carrier)
      return carrier.traceparent
    },
    call: (service, { kind, status, ms }) => {
      const now = Date.now()
      const span = tracer.startSpan(
        `${service} ${kind}`,
        { kind: SpanKind.CLIENT, startTime: now - ms },
        context.active(),
      )
      if (status === null) span.setStatus({ code: SpanStatusCode.ERROR })
      else span.setAttribute('http.response.status_code', status)
      span.end(now)
    },
    close: async () => {
      await provider.shutdown()
      trace.disable()
    },
  }
}
