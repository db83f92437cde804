import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { intervalChart } from '../dist/report/charts.js';
import { html } from '../dist/report/html.js';
import { legend, methodStyles } from '../dist/report/method_styles.js';
import { reportPage } from '../dist/report/page.js';
import { tabs } from '../dist/report/tabs.js';
import { accessibilityProblems, launchChromium, openText } from './support/browser.js';

const METHODS = [
  { name: 'lsft', label: 'LSFT <GAN>', kind: 'generator' },
  { name: 'gradcam', label: 'Grad-CAM', kind: 'cam' },
  { name: 'random', label: 'Random', kind: 'baseline' },
];

function somePage() {
  const styles = methodStyles(METHODS);
  const rows = METHODS.map(({ name, label }, i) => ({
    label,
    mean: i,
    low: i - 0.2,
    high: i + 0.2,
    style: styles.get(name),
  }));
  const chart = (title) => ({
    title,
    content: html`<p>${title}</p>
      ${intervalChart(rows, `${title} of three methods`)}`,
  });
  const cell = (value) => html`<td data-value="${value}">${value}</td>`;
  const header = (name, better) =>
    html`<th scope="col" data-better="${better}"><button type="button">${name}</button></th>`;
  const table = html`<table data-sortable>
    <caption>
      Scores
    </caption>
    <thead>
      <tr>
        <th scope="col">Method</th>
        ${header('low', 'lower')}${header('high', 'higher')}
      </tr>
    </thead>
    <tbody>
      ${[
        [2, 5],
        [1, 7],
        [3, ''],
      ].map(
        ([low, high], i) =>
          html`<tr>
            <th scope="row">${METHODS[i].name}</th>
            ${cell(low)}${cell(high)}
          </tr>`,
      )}
    </tbody>
  </table>`;
  return reportPage(
    'A <page>',
    html`<h1>A page</h1>
      <section>
        <h2>Charts</h2>
        ${legend(METHODS, styles)} ${tabs('Charts', 'chart', [chart('First'), chart('Second'), chart('Third')])}
      </section>
      <section>
        <h2>Numbers</h2>
        <div class="scroll" tabindex="0" role="region" aria-label="Scores">${table}</div>
      </section>`,
  );
}

describe('report pages, in a browser', function () {
  const folder = mkdtempSync(join(tmpdir(), 'cumulens-page-'));
  let browser;
  before(async function () {
    browser = await launchChromium();
    if (!browser) this.skip();
  });
  after(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (options) => openText(browser, folder, somePage(), options);
  const focused = (page) => page.evaluate('document.activeElement.textContent.trim()');
  const shown = (page) => page.locator('[role=tabpanel]:visible p').allTextContents();

  it('ask the network for nothing, and are sound for those who use them by other means', async () => {
    for (const colorScheme of ['light', 'dark']) {
      const page = await open({ colorScheme });
      expect(await accessibilityProblems(page)).to.deep.equal([]);
      expect(page.problems).to.deep.equal([]);
      expect(await page.title()).to.equal('A <page>');
      await page.close();
    }
  });

  it('show one tab at a time, moved by the arrow keys', async () => {
    const page = await open();
    expect(await shown(page)).to.deep.equal(['First']);
    await page.getByRole('tab', { name: 'Second' }).click();
    expect(await shown(page)).to.deep.equal(['Second']);
    for (const [key, title] of [
      ['ArrowRight', 'Third'],
      ['ArrowRight', 'First'],
      ['ArrowLeft', 'Third'],
      ['Home', 'First'],
      ['End', 'Third'],
    ]) {
      await page.keyboard.press(key);
      expect([await focused(page), ...(await shown(page))], key).to.deep.equal([title, title]);
    }
    expect(await page.getByRole('tab', { selected: true }).allTextContents()).to.have.length(1);
    await page.close();
  });

  it('show all parts where scripts do not run', async () => {
    const page = await open({ javaScriptEnabled: false });
    expect(await shown(page)).to.deep.equal(['First', 'Second', 'Third']);
    expect(await page.locator('[role=tablist]').isVisible()).to.equal(false);
    await page.close();
  });

  it('show a series alone while its key is pressed', async () => {
    const page = await open();
    const faint = () =>
      page.evaluate("[...document.querySelectorAll('#chart-panel-0 svg .faint')].map((e) => e.dataset.series)");
    const key = page.getByRole('button', { name: 'Grad-CAM' });
    await key.focus();
    await page.keyboard.press('Enter');
    expect(new Set(await faint())).to.deep.equal(new Set(['0', '2']));
    expect(await key.getAttribute('aria-pressed')).to.equal('true');
    await page.keyboard.press('Space');
    expect(await faint()).to.deep.equal([]);
    await page.close();
  });

  it('sort tables, the best first, and what has no number last', async () => {
    const page = await open();
    const order = () => page.locator('tbody th').allTextContents();
    for (const [name, expected, sorted] of [
      ['low', ['gradcam', 'lsft', 'random'], 'ascending'],
      ['low', ['random', 'lsft', 'gradcam'], 'descending'],
      ['high', ['gradcam', 'lsft', 'random'], 'descending'],
      ['high', ['lsft', 'gradcam', 'random'], 'ascending'],
    ]) {
      await page.getByRole('button', { name, exact: true }).click();
      expect(await order(), `${name} ${sorted}`).to.deep.equal(expected);
      expect(await page.locator('th[aria-sort]').getAttribute('aria-sort')).to.equal(sorted);
    }
    await page.close();
  });
});
