// libtorch's one front door.
//   import { resolveLibtorch } from './scripts/libtorch.mjs'
//   node scripts/libtorch.mjs                 what is found, as JSON
//   node scripts/libtorch.mjs lib             one property of it (a list: one a line); for binding.gyp and shell scripts
//   node scripts/libtorch.mjs fetch [VARIANT] fetches it into the user cache
// Needs no installed package.
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fetchLibtorch } from './libtorch/fetch.mjs';
import { resolveLibtorch } from './libtorch/resolve.mjs';

export * from './libtorch/resolve.mjs';
export { fetchLibtorch } from './libtorch/fetch.mjs';
export { VARIANTS } from './libtorch/variants.mjs';

async function main([what, variant]) {
  const found = what === 'fetch' ? await fetchLibtorch({ variant }) : resolveLibtorch();
  if (!what || what === 'fetch') return JSON.stringify(found, null, 2);
  if (!Object.hasOwn(found, what))
    throw new Error(`expected one of ${Object.keys(found).join(', ')}, or fetch, not '${what}'`);
  return [found[what] ?? ''].flat().join('\n');
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    console.log(await main(process.argv.slice(2)));
  } catch (error) {
    console.error(`cumulens: ${error.message}`);
    process.exitCode = 1;
  }
}
