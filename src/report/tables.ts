/** The demo's numbers as text that fits 80 columns. */
import type { DemoResult } from '../demo/demo.js';
import { COMPARED_SCORES, type MethodResult } from '../evaluate/compare.js';
import { SCORES, type ScoreName } from '../evaluate/scores/scores.js';
import { digitsOf, formatMean } from './numbers.js';

function table(title: string, names: readonly ScoreName[], methods: readonly MethodResult[]): string {
  const header = names.map((name) => `${SCORES[name].label} ${SCORES[name].better === 'lower' ? '↓' : '↑'}`);
  const rows = methods.map(({ label, scores }) => [
    label,
    ...names.map((name) => {
      const score = scores[name];
      if (!score) return '';
      const mark = score.generatorBetter === undefined ? ' ' : score.generatorBetter ? '*' : ' ';
      return formatMean(score, digitsOf(SCORES[name])) + mark;
    }),
  ]);
  const first = Math.max(title.length, ...rows.map(([label = '']) => label.length));
  const width = Math.max(15, ...header.map((name) => name.length + 2));
  const line = ([label = '', ...cells]: readonly string[]): string =>
    `${label.padEnd(first)}${cells.map((cell) => cell.padStart(width)).join('')}`.trimEnd();
  return [line([title, ...header.map((name) => `${name} `)]), ...rows.map(line)].join('\n');
}

function describeGan({ variant, width, conditions, size, parameters, steps, batchSize }: DemoResult['gan']): string {
  const net = `${variant.toUpperCase()}-GAN: width ${width}, ${conditions} conditions, ${size}x${size}`;
  return `${net}, ${parameters} parameters; ${steps} steps of ${batchSize}.`;
}

/** Both halves of the demo's table. */
export function demoTables({ comparison, cnnAccuracy, classes, gan }: DemoResult): string {
  const { target, mask, samples } = comparison;
  const head = `CNN: ${(100 * cnnAccuracy).toFixed(1)} % of the test images right (${classes.length} classes).\n${describeGan(gan)}`;
  const note = '* the GAN is better: the paired 95 % interval of the difference excludes 0.';
  const halves = [table(`Against the target`, COMPARED_SCORES.target, target)];
  if (mask.length > 0) halves.push(table('Within the mask', COMPARED_SCORES.mask, mask));
  return `\n${head}\nMeans over ${samples} held-out images, ± half of the 95 % interval.\n\n${halves.join('\n\n')}\n\n${note}\n`;
}
