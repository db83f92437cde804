// Prepares data as the arguments say, so that a test can kill it: node prepare-child.js '{"cnn": …}'
import { prepare } from '../../dist/index.js';

await prepare({ ...JSON.parse(process.argv[2]), onProgress: ({ done }) => process.stdout.write(`${done}\n`) });
