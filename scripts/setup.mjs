// From a clone to a program that runs, in one command; what is already done is not done again.
//   node scripts/setup.mjs [--variant cpu|cu130] [--out FOLDER] [--force]
// Everything else is imported after this check, so that an old Node.js gets words and no syntax error.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `cumulens needs Node.js 20.19 or newer; this is ${process.versions.node}. Install a current one (for example with nvm: nvm install 22).`,
  );
  process.exit(1);
}

const { parseArgs } = await import('node:util');
const { setUp } = await import('./build.mjs');

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort());

try {
  const options = { variant: { type: 'string' }, out: { type: 'string' }, force: { type: 'boolean' } };
  const { values } = parseArgs({ options });
  await setUp({ ...values, signal: interrupted.signal });
} catch (error) {
  if (interrupted.signal.aborted) process.exit(130);
  // What has a code was foreseen, and says in its message what to do.
  console.error(`cumulens set-up: ${error.code ? error.message : error.stack}`);
  process.exit(error.code?.startsWith('ERR_PARSE_ARGS') ? 2 : 1);
}
