// Opens pages of replays in a real browser and looks: that nothing is loaded, run or refused by the page's own policy, that
// it fits narrow and wide windows in light and dark, and what it says. Prints one JSON object a page.
//   node look_at_page.mjs FILE…
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const { chromium } = createRequire(import.meta.url)('@playwright/test');
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
for (const file of process.argv.slice(2)) {
  const address = pathToFileURL(file).href;
  const seen = { problems: [], requests: [], widths: {} };
  for (const [width, colorScheme] of [[1280, 'light'], [1280, 'dark'], [360, 'light']]) {
    const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
    page.on('console', (line) => seen.problems.push(line.text()));
    page.on('pageerror', (error) => seen.problems.push(String(error)));
    page.on('dialog', (dialog) => { seen.problems.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    page.on('request', (request) => request.url() !== address && seen.requests.push(request.url()));
    await page.goto(address);
    seen.widths[`${width} ${colorScheme}`] = await page.evaluate(() => ({
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      background: getComputedStyle(document.body).backgroundColor,
    }));
    if (width === 1280 && colorScheme === 'light') {
      Object.assign(seen, await page.evaluate(() => ({
        heading: document.querySelector('h1').innerText,
        steps: document.querySelectorAll('ol.steps > li').length,
        linked: [...document.querySelectorAll('.timeline a')].every((a) => document.querySelector(a.getAttribute('href'))),
        drawn: document.querySelectorAll('.timeline a').length,
        errors: document.querySelectorAll('.timeline .errordot').length,
        tags: [...new Set([...document.querySelectorAll('*')].map((e) => e.localName))].sort(),
        text: document.body.innerText,
        test: document.querySelector('details')?.textContent ?? '',
      })));
      // A mark leads to its step.
      const mark = page.locator('.timeline a').last();
      await mark.focus();
      await page.keyboard.press('Enter');
      seen.target = await page.evaluate(() => document.querySelector('li:target')?.id ?? null);
    }
    await page.close();
  }
  console.log(JSON.stringify(seen));
}
await browser.close();
