import { Command, CommanderError } from 'commander';

import { description, version } from '../version.js';
import { setRunner, type Runner } from './command.js';
import { commands, type Register } from './commands.js';
import { Context, describeError, exitCodeOf, type Streams } from './context.js';

/** The `cumulens` program: commands, and their results, errors and exit codes in one place. */
export class Program {
  readonly #register: readonly Register[];
  readonly #streams: Streams;
  readonly #interruption = new AbortController();
  #exitCode = 0;

  constructor(streams: Streams, register: readonly Register[] = commands) {
    this.#register = register;
    this.#streams = streams;
  }

  /**
   * Parses the arguments after `cumulens` and runs the command.
   * @returns the exit code: 0 done, 1 failed, 2 bad usage, 130 interrupted
   */
  async run(args: readonly string[]): Promise<number> {
    try {
      await this.#commander().parseAsync([...args], { from: 'user' });
    } catch (error) {
      // commander has written its message; help and version end with 0.
      if (!(error instanceof CommanderError)) throw error;
      return error.exitCode === 0 ? 0 : 2;
    }
    return this.#exitCode;
  }

  /** Asks the command to save its state and end. */
  interrupt(): void {
    if (this.#interruption.signal.aborted) return;
    this.#streams.stderr.write('\ninterrupted: ending after the step under way (again: at once)\n');
    this.#interruption.abort();
  }

  #commander(): Command {
    const program = new Command('cumulens')
      .description(description)
      .version(version, '-V, --version', 'write the version')
      .configureOutput({
        writeOut: (text) => this.#streams.stdout.write(text),
        writeErr: (text) => this.#streams.stderr.write(text),
      })
      .exitOverride()
      .showHelpAfterError('(--help shows what there is)');
    setRunner(program, this.#runner);
    for (const register of this.#register) register(program);
    return program;
  }

  readonly #runner: Runner = async (json, work) => {
    const { signal } = this.#interruption;
    const context = new Context(this.#streams, json, signal);
    try {
      const document = await work(context);
      this.#exitCode = signal.aborted ? 130 : Number(context.failed);
      if (json) this.#writeJson(document ?? {});
    } catch (error) {
      context.close();
      const { code, message, stack } = describeError(error);
      this.#exitCode = exitCodeOf(error, signal);
      if (!signal.aborted) this.#streams.stderr.write(`cumulens: ${stack ?? message}\n`);
      if (json) this.#writeJson({ error: { code, message } });
    } finally {
      context.close();
    }
  };

  #writeJson(document: unknown): void {
    this.#streams.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  }
}
