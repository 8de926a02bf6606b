// Two services on OpenTelemetry: one asks the other, which fails. node otel_node.cjs
// Where they send to is said by environment variables alone.
const [role] = process.argv.slice(2)
process.env.OTEL_SERVICE_NAME = role === 'stock' ? 'depot-stock' : 'depot-front'
const { NodeSDK } = require('@opentelemetry/sdk-node')
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http')
const { ExpressInstrumentation } = require('@opentelemetry/instrumentation-express')
const sdk = new NodeSDK({ instrumentations: [new HttpInstrumentation(), new ExpressInstrumentation()] })
sdk.start()
const { trace } = require('@opentelemetry/api')
const { logs } = require('@opentelemetry/api-logs')
const http = require('node:http')
const express = require('express')
const { fork } = require('node:child_process')

function reserve(shelf) {
  return shelf.items.map((item) => item.left)
}

function get(port, path) {
  return new Promise((done, fail) => {
    http.get({ port, path, agent: false }, (answer) => {
      answer.resume()
      answer.on('end', () => done(answer.statusCode))
    }).on('error', fail)
  })
}

async function listening(app) {
  const server = app.listen(0, '127.0.0.1')
  await new Promise((ready) => server.once('listening', ready))
  return server.address().port
}

async function stock() {
  const app = express()
  app.get('/shelf/:id', (request, response) => {
    trace.getActiveSpan().setAttribute('user.id', `picker-${request.params.id}`)
    logs.getLogger('stock').emit({ severityNumber: 9, severityText: 'INFO', body: `looking at shelf ${request.params.id}` })
    response.json(reserve(request.params.id === '0' ? { items: [] } : {}))
  })
  // It asks itself: both requests are of one service.
  app.get('/again/:id', async (request, response) => {
    response.status(await get(app.port, `/shelf/${request.params.id}`)).end()
  })
  app.port = await listening(app)
  process.send(app.port)
  process.on('message', () => sdk.shutdown().then(() => process.exit(0)))
}

async function front() {
  const child = fork(__filename, ['stock'])
  const port = await new Promise((told) => child.once('message', told))
  const app = express()
  app.get('/order/:id', async (request, response) => {
    const status = await get(port, `/shelf/${request.params.id}`)
    response.status(status === 200 ? 200 : 500).end()
  })
  const own = await listening(app)
  for (let n = 0; n < 4; n++) await get(own, `/order/${n}`)
  await get(port, '/again/9')
  child.send('stop')
  await new Promise((gone) => child.once('exit', gone))
  await sdk.shutdown()
  process.exit(0)
}

role === 'stock' ? stock() : front()
