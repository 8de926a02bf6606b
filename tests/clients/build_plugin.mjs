// Builds an application with Sentry's plugin for a bundler, which uploads its maps; runs it; prints what it threw.
// Arguments: the bundler (esbuild, vite), the server's URL, the project, a folder to work in.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [bundler, url, project, folder] = process.argv.slice(2);
const release = `${project}@3.0.0`;
const entry = join(folder, 'src/main.ts');
mkdirSync(join(folder, 'src'), { recursive: true });
writeFileSync(join(folder, 'src/total.ts'), `export interface Cart { items?: { price: number }[] }

export function totalOf(cart: Cart): number {
  // The items of an empty cart are not there.
  return cart.items!.reduce((sum, item) => sum + item.price, 0);
}
`);
writeFileSync(entry, `import { totalOf } from './total';

export function checkout(): number {
  return totalOf({}) + 1;
}
`);

const failed = [];
const options = {
  url,
  org: 'acme',
  project,
  authToken: 'local',
  telemetry: false,
  release: { name: release },
  errorHandler: error => failed.push(String(error)),
};
const builders = {
  async esbuild() {
    const { sentryEsbuildPlugin } = await import('@sentry/esbuild-plugin');
    const { build } = await import('esbuild');
    await build({
      entryPoints: [entry],
      outdir: join(folder, 'dist'),
      absWorkingDir: folder,
      bundle: true,
      minify: true,
      sourcemap: true,
      format: 'esm',
      logLevel: 'error',
      plugins: [sentryEsbuildPlugin(options)],
    });
  },
  async vite() {
    const { sentryVitePlugin } = await import('@sentry/vite-plugin');
    const { build } = await import('vite');
    await build({
      root: folder,
      configFile: false,
      logLevel: 'error',
      build: {
        lib: { entry, formats: ['es'], fileName: () => 'main.js' },
        minify: true,
        sourcemap: true,
        outDir: join(folder, 'dist'),
      },
      plugins: [sentryVitePlugin(options)],
    });
  },
};
await builders[bundler]();

const built = await import(pathToFileURL(join(folder, 'dist/main.js')));
let thrown;
try {
  built.checkout();
} catch (error) {
  thrown = error;
}
// As an SDK for browsers would have sent it.
const script = 'https://shop.example/main.js';
const places = [...thrown.stack.matchAll(/at (?:(\S+) \()?file:\/\/.*?dist\/main\.js:(\d+):(\d+)/g)].reverse();
const frames = places.map(([, name, line, column]) => ({
  function: name, abs_path: script, filename: script, lineno: Number(line), colno: Number(column), in_app: true,
}));
// The plugin's own packages have ids too.
const known = Object.entries(globalThis._sentryDebugIds ?? {}).filter(([stack]) => stack.includes('dist/main.js'));
const ids = [...new Set(known.map(([, id]) => id))];
const event = {
  event_id: 'aa0123456789abcdef0123456789abcd',
  timestamp: 1795600000,
  platform: 'javascript',
  release,
  exception: { values: [{ type: thrown.name, value: thrown.message, stacktrace: { frames } }] },
  debug_meta: { images: ids.map(id => ({ type: 'sourcemap', code_file: script, debug_id: id })) },
};
console.log(JSON.stringify({ failed, event }));
