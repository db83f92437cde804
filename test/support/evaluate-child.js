// Evaluates as a process of its own, to be killed: `evaluate-child.js <options as JSON>`; writes a line for each step of progress.
import { evaluate } from '../../dist/index.js';

const onProgress = ({ stage, done }) => process.stdout.write(`${stage} ${done}\n`);
await evaluate({ ...JSON.parse(process.argv[2]), onProgress });
