// Writes docs/methods.md from what the methods say of themselves. Its test holds the page to it.
//   node scripts/methods-docs.mjs
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { selectMethods, selectMetrics } from '../dist/evaluate/evaluation/options.js';
import { METHOD_NAMES, METHODS } from '../dist/index.js';

const KINDS = {
  cam: 'Class activation maps',
  gradient: 'Gradients',
  perturbation: 'Perturbation',
  baseline: 'Baselines: they explain nothing, and show what a score is worth',
};

const row = (cells) => `| ${cells.join(' | ')} |`;
const settingsOf = ({ defaults, settings }) =>
  Object.entries(settings).map(([name, meaning]) => `\`${name}\` (${defaults[name]}): ${meaning}`.replaceAll('|', '\\|')).join('<br>'); // prettier-ignore

function section(kind, title) {
  const names = METHOD_NAMES.filter((name) => METHODS[name].kind === kind);
  const rows = names.map((name) =>
    row([`\`${name}\``, METHODS[name].label, METHODS[name].source.replaceAll('|', '\\|'), settingsOf(METHODS[name])]),
  );
  return `## ${title}\n\n${[row(['name', '', 'source', 'settings (default)']), row(['---', '---', '---', '---']), ...rows].join('\n')}\n`;
}

const code = (names) => names.map((name) => `\`${name}\``).join(', ');

/** The page as text. */
export const methodsPage = () => `# The methods

What \`evaluate --methods\` and \`createMethod\` know, with where each comes from. All are computed on the device, in batches; maps are in [0, 1], of the image's size. \`--settings\` changes settings by the method's name.

\`default\` is ${code(selectMethods([]))}; of the scores, ${code(selectMetrics([]))}. Beside them stand trained generators (\`--gan\`) and \`linear\`, the best
linear combination of a generator's conditions, fitted to the training split where there is one.

${Object.entries(KINDS)
  .map(([kind, title]) => section(kind, title))
  .join('\n')}`;

if (process.argv[1] === fileURLToPath(import.meta.url))
  await writeFile(new URL('../docs/methods.md', import.meta.url), methodsPage());
