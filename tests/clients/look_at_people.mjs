// Opens pages of a running server in Chromium, on a phone and wide, light and dark, and looks: that nothing is loaded from
// elsewhere, run or refused by the pages' own policy, that each fits its window, and what axe-core finds. Then it sends an
// envelope and waits until the page shows it by itself. Prints one JSON object.
//   node look_at_people.mjs URL AXE PATHS [DSN ENVELOPE TEXT]
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { chromium } = createRequire(import.meta.url)('@playwright/test');
const [url, axe, paths, ingestion, envelope, awaited] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
const seen = { problems: [], elsewhere: [], faults: [], wider: [], tags: [], handlers: [], shifts: [], tabs: [], live: null };
const note = (page) => {
  page.on('console', (line) => seen.problems.push(line.text()));
  page.on('pageerror', (error) => seen.problems.push(String(error)));
  page.on('dialog', (dialog) => { seen.problems.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) seen.elsewhere.push(request.url());
  });
};
for (const [width, colorScheme] of [[1280, 'light'], [1280, 'dark'], [360, 'light'], [360, 'dark']]) {
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
  for (const [at, path] of JSON.parse(paths).entries()) {
    const page = await context.newPage();
    note(page);
    await page.addInitScript(() => {
      window.shifted = 0;
      // What comes in later by itself may move what is below it.
      const loaded = () => document.getElementById('main')?.dataset.fresh !== undefined;
      new PerformanceObserver((list) => { for (const one of list.getEntries()) if (!loaded()) window.shifted += one.value; })
        .observe({ type: 'layout-shift', buffered: true });
    });
    await page.goto(url + path, { waitUntil: 'load' });
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${at}-${width}-${colorScheme}.png`, fullPage: true });
    // What a person opens moves what is below it; the rest stays where it is.
    const shifted = await page.evaluate(() => window.shifted);
    if (shifted > 0.01) seen.shifts.push([path, width, shifted]);
    await page.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) seen.wider.push([path, width, wide]);
    seen.tags.push(...await page.evaluate(() => [...document.querySelectorAll('*')].map((one) => one.localName)));
    seen.handlers.push(...await page.evaluate(() => [...document.querySelectorAll('*')]
      .flatMap((one) => [...one.attributes].map((a) => a.name)).filter((name) => name.startsWith('on') || name === 'style' || name === 'src')
      .filter((name) => name !== 'src' || document.scripts.length !== 1)));
    await page.evaluate(readFileSync(axe, 'utf8'));
    const found = await page.evaluate(() => window.axe.run());
    for (const fault of found.violations.filter((one) => ['serious', 'critical'].includes(one.impact))) {
      seen.faults.push([path, width, colorScheme, fault.id, fault.nodes.map((node) => node.html).slice(0, 3)]);
    }
    if (width === 1280 && colorScheme === 'light' && at === 0) {
      // The way of the keyboard: to the content first, then through links and questions.
      await page.evaluate(() => window.scrollTo(0, 0));
      for (let step = 0; step < 4; step += 1) {
        await page.keyboard.press('Tab');
        seen.tabs.push(await page.evaluate(() => `${document.activeElement.localName} ${document.activeElement.textContent.slice(0, 30)}`));
      }
    }
    await page.close();
  }
  await context.close();
}
if (ingestion) {
  const page = await browser.newPage();
  note(page);
  await page.goto(`${url}/`);
  await page.getByText('live', { exact: true }).waitFor();
  const sent = await fetch(ingestion, { method: 'POST', body: readFileSync(envelope) });
  await page.getByText(awaited).first().waitFor({ timeout: 60_000 });
  seen.live = sent.status;
}
await browser.close();
seen.tags = [...new Set(seen.tags)].sort();
console.log(JSON.stringify(seen));
