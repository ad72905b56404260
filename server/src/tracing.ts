// Traces for OpenTelemetry, if OTEL_EXPORTER_OTLP_ENDPOINT is set: a span per request and per job, and
// under it one per call to Salesforce or Nango. Names and states only: no ids of tenants, no bodies, no
// addresses.

export interface Tracing {
  /** Runs `work` inside a span of this name; what it throws marks the span and is rethrown. */
  span<T>(name: string, attributes: Record<string, string>, work: () => Promise<T>): Promise<T>
  /** Records a call that has just ended, under the current span. */
  call(
    service: 'salesforce' | 'nango',
    event: { kind: string; status: number | null; ms: number },
  ): void
  /** Sends what is pending. */
  close(): Promise<void>
}

const NO_TRACING: Tracing = {
  span: (_name, _attributes, work) => work(),
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
  const { context, SpanKind, SpanStatusCode, trace } = api
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
    span: (name, attributes, work) =>
      tracer.startActiveSpan(name, { kind: SpanKind.SERVER, attributes }, async (span) => {
        try {
          return await work()
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
      }),
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
