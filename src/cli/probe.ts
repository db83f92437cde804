/** What doctor runs in a process of its own: `probe.js load` loads the addon and computes with it. */
import { describeError } from './context.js';

async function load(): Promise<string> {
  const { Tensor } = await import('../index.js');
  const tensor = Tensor.from(new Float32Array([1, 2, 3]), [3]);
  const values = (await tensor.data()).join();
  if (values !== '1,2,3') throw new Error(`a tensor of 1,2,3 came back as ${values}`);
  return 'loads and computes';
}

const probes: Record<string, (...args: string[]) => Promise<string>> = { load };

const [name = 'load', ...args] = process.argv.slice(2);
try {
  console.log(await probes[name]?.(...args));
} catch (error) {
  console.error(describeError(error).message);
  process.exitCode = 1;
}
