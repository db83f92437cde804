/** Whether a data set was prepared as a generator takes it. */
import type { Dataset } from '../data/dataset.js';
import { CumulensError } from '../errors.js';
import type { Conditioning, Generator } from '../gan/generator.js';

/** What a condition is depends on these; with other taps or another class it is still the same kind of average. */
const DECISIVE = ['method', 'order', 'excludeTarget'] as const satisfies readonly (keyof Conditioning)[];

/** @throws CumulensError ERR_FORMAT unless the data has the generator's conditions, made as those that it learnt from */
export function checkPreparedFor({ config, origin }: Generator, { kind, folder, manifest }: Dataset): void {
  const expected = config.conditions;
  if (kind !== 'prepared' || manifest.conditions !== expected) {
    const found = kind === 'prepared' ? `${manifest.conditions ?? 0} conditions` : 'images that are not prepared';
    throw new CumulensError('ERR_FORMAT', `${folder}: has ${found}, the generator takes ${expected} conditions`);
  }
  const { conditioning } = origin;
  const other =
    conditioning && DECISIVE.find((name) => (manifest.settings[name] ?? conditioning[name]) !== conditioning[name]);
  if (other)
    throw new CumulensError(
      'ERR_FORMAT',
      `${folder}: its conditions were made with ${other} ${JSON.stringify(manifest.settings[other])}, those that the generator learnt from with ${JSON.stringify(conditioning[other])}`,
    );
}
