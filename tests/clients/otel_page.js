// A page on OpenTelemetry's web SDK: requests as spans, uncaught errors as logs. Bundled by esbuild; `__COLLECTOR__` is put in.
import { logs } from '@opentelemetry/api-logs'
import { ErrorsInstrumentation } from '@opentelemetry/browser-instrumentation/experimental/errors'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { FetchInstrumentation } from '@opentelemetry/instrumentation-fetch'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs'
import { BatchSpanProcessor, WebTracerProvider } from '@opentelemetry/sdk-trace-web'

const resource = defaultResource().merge(resourceFromAttributes({ 'service.name': 'desk-site', 'service.version': '3.0.0' }))
const session = { 'session.id': 'desk-session-1', 'user.id': 'reader-1' }
// The span of a request ends some time after its answer.
let requestEnded
const ended = new Promise((done) => { requestEnded = done })
const mark = { onStart: (span) => span.setAttributes(session), onEnd: () => requestEnded(), shutdown: async () => {}, forceFlush: async () => {} }
const note = { onEmit: (record) => record.setAttributes(session), shutdown: async () => {}, forceFlush: async () => {} }
const spans = new WebTracerProvider({
  resource,
  spanProcessors: [mark, new BatchSpanProcessor(new OTLPTraceExporter({ url: `${__COLLECTOR__}/v1/traces` }))],
})
spans.register()
const lines = new LoggerProvider({
  resource,
  processors: [note, new BatchLogRecordProcessor({ exporter: new OTLPLogExporter({ url: `${__COLLECTOR__}/v1/logs` }) })],
})
logs.setGlobalLoggerProvider(lines)
registerInstrumentations({ instrumentations: [new ErrorsInstrumentation(), new FetchInstrumentation()] })

function openArticle(article) {
  return article.body.text
}

window.visit = async () => {
  await fetch('/articles/7')
  setTimeout(() => openArticle({}), 0)
  await new Promise((done) => window.addEventListener('error', () => setTimeout(done, 0)))
  await ended
  await Promise.all([spans.forceFlush(), lines.forceFlush()])
}
