// Evaluates a study's generators of one CNN and data set (those of the first seed) beside every other method, with the sanity checks, into
// OUT/PAIR (gone on with where it was begun), and writes what came of it into docs/study/NAME/: evaluations.md and evaluations.json.
//   node scripts/study-evaluations.mjs STUDY OUT NAME [PAIR…]
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { evaluate } from '../dist/index.js';
import { pairName } from '../dist/study/plan.js';
import { parseStudyOptions } from '../dist/study/options.js';
import { planOf } from '../dist/study/results.js';
import { StudyFolder } from '../dist/study/folder.js';

const [study, out, name, ...only] = process.argv.slice(2);
if (!name) throw new Error('usage: node scripts/study-evaluations.mjs STUDY OUT NAME [PAIR…]');
const docs = join(fileURLToPath(new URL('../docs/study', import.meta.url)), name);
const settings = JSON.parse(await readFile(join(study, 'study.json'), 'utf8'));
const config = parseStudyOptions({ ...settings, out: study });
const folder = new StudyFolder(study);

/** The runs of a pair's generators, by variant: of the first seed, the last time that it was trained. */
async function generatorsOf(pair) {
  const own = planOf(config).filter(
    ({ scope, sources, seed }) =>
      scope === 'one' && seed === config.seeds[0] && pairName(sources[0]) === pairName(pair),
  );
  const runs = own.map(async ({ id, variant }) => {
    const { lengthened } = await folder.read('trainings', id);
    return [variant, folder.run(id, lengthened)];
  });
  return Object.fromEntries(await Promise.all(runs));
}

async function evaluatePair(pair) {
  const { results } = await evaluate({
    cnn: join(folder.cnn(pair), 'cnn.safetensors'),
    data: folder.images(pair.data),
    generators: await generatorsOf(pair),
    out: join(out, pairName(pair)),
  });
  const { samples, sanity, scores, methods, ranking, versions } = results;
  return {
    ...pair,
    samples,
    sanity,
    versions,
    ranking: ranking.scores,
    scores: Object.fromEntries(scores.map((score) => [score.name, score.settings])),
    methods: methods.map(({ name: method, label, kind, meanRank, place, scores: found, sanity: checks }) => {
      const { modelRandomisation, randomLogit, verdict } = checks;
      const { stages, ...rest } = modelRandomisation;
      return {
        name: method,
        label,
        kind,
        meanRank,
        place,
        scores: found,
        sanity: { verdict, modelRandomisation: { ...rest, ...stages.at(-1) }, randomLogit },
      };
    }),
  };
}

/** Six digits: far more than the intervals tell apart. */
const rounded = (_key, value) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value);
const number = (value, digits = 2) =>
  value
    .toFixed(digits)
    .replace('-', '−')
    .replace(/^−(0\.0+)$/, '$1');
const interval = ({ mean, low, high }, digits) =>
  `${number(mean, digits)} [${number(low, digits)}, ${number(high, digits)}]`;
const checked = (check) =>
  `${interval(check.pearson)} ${check.passed ? 'passes' : '**fails**'}${check.flags.includes('unclear') ? ', unclear' : ''}`;
const table = (heads, rows) =>
  [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const section = ({ cnn, data, samples, sanity, methods }) => `## ${cnn}, ${data}

${samples} images, ${sanity.images} of them for the sanity checks.

${table(
  ['method', 'new weights: Pearson', 'another class: Pearson', 'ROAD ↑', 'mean rank ↓', 'place'],
  [...methods]
    .sort((a, b) => a.meanRank.mean - b.meanRank.mean)
    .map(({ label, kind, sanity: checks, scores, meanRank, place }) => [
      kind === 'baseline' ? `${label} (baseline)` : label,
      checked(checks.modelRandomisation),
      checked(checks.randomLogit),
      scores.road ? interval(scores.road, 3) : '',
      interval(meanRank),
      place,
    ]),
)}
`;

const pairs = config.cnns.flatMap(({ name: cnn }) => config.data.map(({ name: data }) => ({ cnn, data })));
const chosen = pairs.filter((pair) => only.length === 0 || only.includes(pairName(pair)));
const found = [];
for (const pair of chosen) found.push(await evaluatePair(pair));
if (chosen.length === pairs.length) {
  const [
    {
      sanity: { thresholds },
      ranking,
    },
  ] = found;
  await mkdir(docs, { recursive: true });
  await writeFile(join(docs, 'evaluations.json'), `${JSON.stringify(found, rounded)}\n`);
  await writeFile(
    join(docs, 'evaluations.md'),
    `# The study's generators beside every other method

What \`evaluate\` finds of the generators of one CNN and data set (seed ${config.seeds[0]}) on the held-out images, the methods by their mean rank over ${ranking.join(', ')}
where the data has them. Pearson: of a method's maps to its own maps once all of the CNN's weights are new (below ${thresholds.modelRandomisation} passes), and to those of another class (below ${thresholds.randomLogit} passes); *unclear*: the
interval holds that bound. 95 % intervals over images. A baseline is expected to fail. All scores: [evaluations.json](evaluations.json); how to read them: [scores](../../scores.md).

${found.map(section).join('\n')}`,
  );
}
