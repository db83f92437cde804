import { expect } from 'chai';

import { curveChart, intervalChart, renderChart } from '../dist/report/charts.js';
import { legend, methodStyles } from '../dist/report/method_styles.js';
import { tabs } from '../dist/report/tabs.js';
import { html } from '../dist/report/html.js';
import { textTable } from '../dist/report/text_table.js';

const METHODS = [
  { name: 'lsft', label: 'LSFT <GAN>', kind: 'generator' },
  { name: 'gradcam', label: 'Grad-CAM', kind: 'cam' },
  { name: 'luminance', label: 'Image luminance', kind: 'baseline' },
  { name: 'random', label: 'Random', kind: 'baseline' },
];

describe('charts', () => {
  const styles = methodStyles(METHODS);
  const rows = METHODS.map(({ name, label }, i) => ({
    label,
    mean: i / 4,
    low: i / 4 - 0.1,
    high: i / 4 + 0.1,
    style: styles.get(name),
  }));
  const attributes = (svg, tag, attribute) =>
    [...svg.matchAll(new RegExp(`<${tag}[^>]* ${attribute}="([^"]*)"`, 'g'))].map(([, value]) => value);

  it('draw each mean at its place on the axis, with its interval', () => {
    const svg = intervalChart(rows, 'a "test" of & <charts>').text;
    // A circle is a path of arcs that begins at its right: M <x + r> <y>.
    const dots = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
    expect(dots).to.have.length(4);
    const steps = [1, 2, 3].map((i) => dots[i][0] - dots[i - 1][0]);
    for (const step of steps) expect(step).to.be.closeTo(steps[0], 0.2);
    expect(steps[0]).to.be.above(10);
    const whiskers = [...svg.matchAll(/<path d="M([\d.]+) ([\d.]+)L([\d.]+) \2"[^>]*data-series/g)].map(
      ([, a, , b]) => b - a,
    );
    expect(whiskers).to.have.length(4);
    for (const length of whiskers) expect(length).to.be.closeTo(0.8 * steps[0], 0.3);
    expect(dots.map(([, y]) => y)).to.deep.equal([...dots.map(([, y]) => y)].sort((a, b) => a - b));
  });

  it('reach to their threshold, and give a long label a second line', () => {
    for (const at of [-2, 0.5, 3]) {
      const svg = intervalChart(rows, 'reach', { at, label: 'the threshold' }).text;
      const [, width] = svg.match(/viewBox="0 0 (\d+)/);
      const [, label] =
        svg.match(/ x="([\d.]+)"[^>]*>the threshold</) ?? svg.match(/translate\(([\d.]+)[^>]*>the threshold</);
      expect(Number(label)).to.be.within(0, Number(width));
    }
    const long = rows.map((row) => ({ ...row, label: 'a data set of a name, without a network of a name' }));
    const svg = intervalChart(long, 'long').text;
    expect(svg.match(/of a name/g)).to.have.length(8);
    expect(svg).to.not.include('a data set of a name, without a network of a name');
  });

  it('take their colours from the page, tell their series, and say what they show', () => {
    const svg = intervalChart(rows, 'a "test" of & <charts>').text;
    expect(svg).to.match(
      /^<svg viewBox="0 0 420 \d+" role="img" aria-label="a &quot;test&quot; of &amp; &lt;charts&gt;"/,
    );
    expect(svg).to.include('LSFT &lt;GAN&gt;');
    expect(svg).to.match(/data-series="0" style="(fill|stroke):var\(--c0\)"/);
    expect(svg).to.match(/data-series="2" style="(fill|stroke):var\(--soft\)"/);
    expect(svg).to.not.match(/#fe[0-9a-f]{4}|https?:|<style|class=|ecmeta/);
  });

  it('are the same whenever they are drawn, and share no names', () => {
    const curve = (mean) =>
      curveChart(
        [
          {
            points: [0, 0.5, 1].map((x) => ({ x, mean: mean * x, low: mean * x - 0.1, high: mean * x + 0.1 })),
            style: styles.get('lsft'),
          },
        ],
        { x: 'x', y: 'y', threshold: { at: 0.3, label: 'below' } },
        'a curve',
      ).text;
    const [first, second, again] = [curve(1), curve(0.5), curve(1)];
    expect(again).to.equal(first);
    const ids = (svg) => attributes(svg, 'clipPath', 'id');
    expect(ids(first).length).to.be.above(0);
    for (const id of ids(first)) expect(first).to.include(`url(#${id})`);
    expect(ids(first).filter((id) => ids(second).includes(id))).to.deep.equal([]);
    expect(first)
      .to.include('below')
      .and.to.match(/style="stroke:var\(--bad\)"/);
  });

  it('tell 21 methods apart by colour and dash, baselines gray', () => {
    const many = Array.from({ length: 17 }, (_, i) => ({ name: `m${i}`, kind: i % 2 ? 'cam' : 'gradient' }));
    const looks = [...methodStyles([...METHODS, ...many]).values()].map(({ colour, dash }) => `${colour} ${dash}`);
    expect(new Set(looks).size).to.equal(looks.length);
    expect([styles.get('luminance'), styles.get('random')].map(({ colour }) => colour)).to.deep.equal(['soft', 'soft']);
    const keys = legend(METHODS, styles).text;
    expect(keys.match(/aria-pressed="false"/g)).to.have.length(4);
    expect(keys).to.include('LSFT &lt;GAN&gt;');
  });

  it('draw nothing where there is nothing', () => {
    expect(renderChart({ series: [] }, { width: 100, height: 50 }, 'nothing').text).to.match(
      /^<svg viewBox="0 0 100 50"/,
    );
  });
});

describe('parts of pages', () => {
  it('are tabs that point at their panels', () => {
    const { text } = tabs('Two', 'part', [
      { title: 'A & B', content: html`<p>first</p>` },
      { title: 'C', content: html`<p>second</p>` },
    ]);
    expect(text).to.match(/role="tab"[^>]*id="part-tab-0"[^>]*aria-controls="part-panel-0"[^>]*aria-selected="true"/s);
    expect(text).to.match(/role="tabpanel" id="part-panel-1" aria-labelledby="part-tab-1"/);
    expect(text).to.include('A &amp; B');
  });

  it('are tables of text whose columns line up', () => {
    const table = textTable([
      ['', 'a', 'long name'],
      ['first', '1.5', ''],
      ['b', '10.25', 'x'],
    ]);
    expect(table).to.equal('           a  long name\nfirst    1.5\nb      10.25          x');
  });
});
