// Opens the page of otel_page.js in a real browser: node otel_browser.mjs ADDRESS-OF-THE-SERVER
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { chromium } = require('@playwright/test');
const { build } = require('esbuild');
const built = await build({
  entryPoints: [fileURLToPath(new URL('otel_page.js', import.meta.url))],
  bundle: true, write: false, define: { __COLLECTOR__: JSON.stringify(process.argv[2]) },
});
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const page = await browser.newPage();
const refused = [];
page.on('console', (line) => line.type() === 'error' && refused.push(line.text()));
// The site lies elsewhere than what it sends to, as sites do. It is really served: a browser lets no page that a test makes up
// send to this machine.
const site = createServer((request, response) => {
  const [type, body] = { '/': ['text/html', '<script src="/app.js"></script>'],
    '/app.js': ['text/javascript', built.outputFiles[0].text] }[request.url] ?? ['application/json', '{}'];
  response.setHeader('content-type', type).end(body);
});
await new Promise((ready) => site.listen(0, '127.0.0.1', ready));
await page.goto(`http://127.0.0.1:${site.address().port}/`);
await page.evaluate(() => window.visit());
await browser.close();
site.close();
console.log(JSON.stringify(refused));
