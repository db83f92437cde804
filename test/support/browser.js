// Headless Chromium for tests of pages. Where there is none they are skipped with a line, unless CUMULENS_CHROMIUM_REQUIRED is set.
import { existsSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { chromium } from 'playwright-core';

const PATHS = [
  process.env.CUMULENS_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

/** Runs `describe` blocks that need a browser: `launch()` in before, `close()` in after. */
export function launchChromium() {
  const executablePath = PATHS.find((path) => path && existsSync(path));
  if (executablePath) return chromium.launch({ executablePath, args: FLAGS });
  if (process.env.CUMULENS_CHROMIUM_REQUIRED) throw new Error('no Chromium: apt-get install chromium');
  console.log('      skipped: no Chromium (apt-get install chromium)');
  return undefined;
}

/**
 * Opens a page from disk and fails for whatever goes wrong in it: errors, messages of its console, and any request but for the file itself.
 * @returns the page, with `problems`, the list of what went wrong so far
 */
export async function openFile(browser, path, { width = 1280, height = 900, ...options } = {}) {
  const page = await browser.newPage({ viewport: { width, height }, reducedMotion: 'reduce', ...options });
  const problems = [];
  const own = pathToFileURL(path).href;
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('console', (message) => problems.push(`console: ${message.text()}`));
  page.on('request', (request) => {
    const url = request.url();
    if (url !== own && !url.startsWith('data:')) problems.push(`request: ${url}`);
  });
  await page.goto(own);
  return Object.assign(page, { problems });
}

/** Writes a page's text to a folder and opens it. */
export async function openText(browser, folder, text, options) {
  const path = join(folder, 'page.html');
  writeFileSync(path, text);
  return openFile(browser, path, options);
}

const require = createRequire(import.meta.url);

/** What axe finds wrong with a page for people who use it by other means, as lines. */
export async function accessibilityProblems(page) {
  // The page's own policy lets no script in; what playwright evaluates is not of the page.
  await page.evaluate(await readFile(require.resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = await page.evaluate('axe.run()');
  return violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}: ${nodes
        .map(({ html }) => html)
        .slice(0, 3)
        .join(' ')}`,
  );
}
