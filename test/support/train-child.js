/** Trains as a process of its own, to be killed: `train-child.js <options as JSON>`; writes "step N" lines. */
import { trainGan } from '../../dist/index.js';

const run = trainGan(JSON.parse(process.argv[2]));
for await (const { step } of run) process.stdout.write(`step ${step}\n`);
await run.result;
