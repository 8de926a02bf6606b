// Runs specs against small applications, each as it was and mended, with Playwright's own runner and the system's Chromium.
//   node reproduce.mjs APPS SPECS FIXES
// APPS: a folder a application; SPECS: APP.SESSION.spec.ts; FIXES: JSON of [file, text, text instead] by application.
// Prints one JSON object: { "SESSION": { "broken": …, "mended": … } }, each with `status` and the `error` of a failed test.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(import.meta.url);
const [apps, specs, fixesFile] = process.argv.slice(2);
const fixes = JSON.parse(fs.readFileSync(fixesFile, 'utf8'));
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.json': 'application/json' };

// An application's file, mended where that is asked; sources in JSX are bundled under the name that the page loads.
function file(app, name, mended) {
  const source = path.join(apps, app, name);
  const jsx = source.replace(/\.js$/, '.src.jsx');
  const from = !fs.existsSync(source) && fs.existsSync(jsx) ? jsx : source;
  if (!fs.existsSync(from)) return null;
  let text = fs.readFileSync(from, 'utf8');
  for (const [of, wrong, right] of mended ? fixes[app] ?? [] : []) {
    if (of !== path.basename(from)) continue;
    if (!text.includes(wrong)) throw new Error(`${app}/${of} has no ${wrong}`);
    text = text.replaceAll(wrong, right);
  }
  if (from === source) return text;
  const { buildSync } = require('esbuild');
  const built = buildSync({ stdin: { contents: text, loader: 'jsx', resolveDir: path.dirname(new URL(import.meta.url).pathname) },
    bundle: true, minify: true, format: 'iife', jsx: 'transform', write: false, define: { 'process.env.NODE_ENV': '"production"' } });
  return built.outputFiles[0].text;
}

async function serve(app, mended) {
  const apiFile = path.join(apps, app, 'api.mjs');
  const api = fs.existsSync(apiFile) ? (await import(pathToFileURL(apiFile).href)).default() : null;
  const built = new Map();
  const server = http.createServer((req, res) => {
    const url = new URL(req.url, 'http://x');
    const send = (code, type, body) => { res.writeHead(code, { 'content-type': type, 'cache-control': 'no-store' }); res.end(body); };
    if (['/config.js', '/sentry.js'].includes(url.pathname)) return send(200, TYPES['.js'], '');
    if (url.pathname === '/favicon.ico') return send(204, 'image/x-icon', '');
    if (api && url.pathname.startsWith('/api/')) {
      const parts = [];
      req.on('data', (part) => parts.push(part));
      req.on('end', () => api({ method: req.method, path: url.pathname, query: url.searchParams, body: Buffer.concat(parts).toString() },
        (code, data, delay = 0) => setTimeout(() => send(code, 'application/json', JSON.stringify(data)), delay)));
      return;
    }
    // An address without a file's ending is a route of the page's own.
    const name = path.extname(url.pathname) ? path.basename(url.pathname) : 'index.html';
    if (!built.has(name)) built.set(name, file(app, name, mended));
    const text = built.get(name);
    return text === null ? send(404, 'text/plain', 'not found') : send(200, TYPES[path.extname(name)] ?? 'text/plain', text);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => { server.closeAllConnections(); server.close(); } };
}

const servers = [];
const projects = [];
for (const spec of fs.readdirSync(specs).filter((name) => name.endsWith('.spec.ts'))) {
  const [app, session] = spec.split('.');
  for (const variant of ['broken', 'mended']) {
    const server = await serve(app, variant === 'mended');
    servers.push(server);
    projects.push({ name: `${session}/${variant}`, testMatch: spec, use: { baseURL: server.url } });
  }
}

const real = path.dirname(require.resolve('@playwright/test/package.json'));
fs.mkdirSync(path.join(specs, 'node_modules', '@playwright'), { recursive: true });
fs.symlinkSync(real, path.join(specs, 'node_modules', '@playwright', 'test'));
fs.writeFileSync(path.join(specs, 'package.json'), '{"private":true}');
const config = { testDir: specs, workers: 2, retries: 0, fullyParallel: true, timeout: 120_000, reporter: 'json', outputDir: path.join(specs, 'out'), projects,
  use: { headless: true, actionTimeout: 20_000, navigationTimeout: 30_000, launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] } } };
fs.writeFileSync(path.join(specs, 'playwright.config.cjs'), `module.exports = ${JSON.stringify(config)};`);

const env = { ...process.env, CI: '1' };
delete env.BASE_URL;
const run = spawn(process.execPath, [path.join(real, 'cli.js'), 'test', '-c', path.join(specs, 'playwright.config.cjs')], { cwd: specs, env });
let out = '', err = '';
run.stdout.on('data', (part) => { out += part; });
run.stderr.on('data', (part) => { err += part; });
await new Promise((done) => run.on('close', done));
servers.forEach((server) => server.close());

const report = JSON.parse(out);
if (report.errors?.length) throw new Error(report.errors.map((e) => e.message).join('\n') + err);
const results = {};
const visit = (suite) => {
  suite.suites?.forEach(visit);
  for (const spec of suite.specs ?? []) for (const test of spec.tests) {
    const [session, variant] = test.projectName.split('/');
    const result = test.results.at(-1);
    (results[session] ??= {})[variant] = { status: result.status, error: result.error?.message ?? '', ms: result.duration };
  }
};
report.suites.forEach(visit);
console.log(JSON.stringify(results));
