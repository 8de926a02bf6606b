// Sends what a small Node program sends: node send_node.cjs DSN|spotlight URL
const Sentry = require('@sentry/node')

const [dsn, spotlight] = process.argv.slice(2)
Sentry.init({
  dsn: dsn || undefined,
  spotlight: spotlight || false,
  release: 'till@1.2.0',
  environment: 'production',
  integrations: [Sentry.extraErrorDataIntegration()],
  includeLocalVariables: true,
})

function chargeCard(order) {
  return order.card.number.length
}

Sentry.setUser({ id: ['node', 'user', 1].join('-') })
Sentry.setTag('shop', 'berlin')
Sentry.addBreadcrumb({ category: 'cart', message: 'card form opened', level: 'info' })
try {
  chargeCard({ id: 17 })
} catch (error) {
  Sentry.captureException(error)
}
Sentry.captureMessage('drawer is nearly empty', 'warning')
// Without a DSN nothing waits for the local stream but the open request itself.
if (dsn) Sentry.close(5000).then((sent) => process.exit(sent ? 0 : 1))
