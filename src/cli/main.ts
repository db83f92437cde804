#!/usr/bin/env node
/** The `cumulens` command. */
import { Program } from './program.js';

// A reader that has seen enough (`cumulens … | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const program = new Program(process);
let interruptions = 0;
const onSignal = (): void => {
  interruptions += 1;
  if (interruptions > 1) process.exit(130);
  program.interrupt();
};
process.on('SIGINT', onSignal);
process.on('SIGTERM', onSignal);

const code = await program.run(process.argv.slice(2));
process.exitCode = code;
process.off('SIGINT', onSignal);
process.off('SIGTERM', onSignal);
