// Works on the study that its parent sends the options of, and tells it once the first training has begun.
import { study } from '../../dist/index.js';

process.once('message', async (options) => {
  let told = false;
  await study({
    ...options,
    onStep: () => () => {
      if (!told) process.send('begun');
      told = true;
    },
  });
  process.disconnect();
});
