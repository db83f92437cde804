// Written by both builds beside the addon: what it was built with, so that the loader can refuse a wrong libtorch in words.
//   node scripts/build-info.mjs ROOT OUTPUT COMPILER BUILDER
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describeLibtorch } from './libtorch/resolve.mjs';

const [root, output, compiler, builder] = process.argv.slice(2);
const { version, cuda, nvidia } = describeLibtorch(root, 'LIBTORCH');
const require = createRequire(import.meta.url);
const packageJson = (name) => JSON.parse(readFileSync(require.resolve(`${name}/package.json`), 'utf8'));
const info = {
  libtorch: { root, version, cuda, nvidia },
  compiler,
  builder,
  napi: require('../package.json').binary.napi_versions.at(-1),
  nodeAddonApi: packageJson('node-addon-api').version,
};
writeFileSync(`${output}.new`, `${JSON.stringify(info, null, 2)}\n`);
renameSync(`${output}.new`, output);
