// What every bench shares: variants timed in turn in one run, peak memory each in a process of its own, the machine in words, a table.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { createInterface } from 'node:readline';

import { native } from '../dist/native.js';

/**
 * @typedef {object} Variant one way to do the work
 * @property {string} name
 * @property {string} label of its row, 34 characters at most
 * @property {() => Promise<number | void>} run does it once; a variant in another process gives the seconds it took there
 * @property {number} [rounds] in how many of the rounds it takes part; default all
 */

/** Middle value; of an even number of them the mean of the middle two. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Times variants in rounds: each round runs all of them once, beginning with another one, so that what slows the machine for a while slows
 * all of them alike. One run of each goes before, unmeasured: it compiles kernels and fills caches.
 * @param {Variant[]} variants
 * @param {{ rounds: number, warmUps?: number }} options
 * @returns {Promise<Record<string, number[]>>} seconds of every round, by variant
 */
export async function timeInTurn(variants, { rounds, warmUps = 1 }) {
  const seconds = Object.fromEntries(variants.map(({ name }) => [name, []]));
  for (let round = -warmUps; round < rounds; round++) {
    const first = Math.max(round, 0) % variants.length;
    for (const variant of [...variants.slice(first), ...variants.slice(0, first)]) {
      if (round >= (variant.rounds ?? rounds) || (round < 0 && variant.rounds !== undefined)) continue;
      progress(round < 0 ? 'warm-up' : `round ${round + 1} of ${rounds}`, variant.label);
      const start = process.hrtime.bigint();
      const told = await variant.run();
      const taken = told ?? Number(process.hrtime.bigint() - start) / 1e9;
      if (round >= 0) seconds[variant.name].push(taken);
    }
  }
  progress();
  return seconds;
}

/** Rows for `printTable`: medians, their ratio to the median of `base`, and peaks. */
export function summarise(variants, seconds, peaks, base) {
  return variants.map(({ name, label }) => ({
    name,
    label,
    seconds: {
      median: median(seconds[name]),
      min: Math.min(...seconds[name]),
      max: Math.max(...seconds[name]),
      rounds: seconds[name],
    },
    timesBase: median(seconds[name]) / median(seconds[base]),
    ...(peaks[name] === undefined ? {} : { peakBytes: peaks[name], peakTimesBase: peaks[name] / peaks[base] }),
  }));
}

const LABEL = 34;

const columns = (label, ...cells) => label.padEnd(LABEL) + cells.map((cell) => cell.padStart(8)).join(' ');

function duration(seconds) {
  return seconds < 1 ? `${(seconds * 1000).toPrecision(3)} ms` : `${seconds.toPrecision(3)} s`;
}

/** At most 80 columns wide. @param {string} baseName what the ratios are of, 'the floor' */
export function printTable(title, baseName, rows) {
  console.log(`\n${title}`);
  console.log(columns(`(× is the ratio to ${baseName})`, 'median', 'min', '×', 'memory', '×'));
  for (const { label, seconds, timesBase, peakBytes, peakTimesBase } of rows) {
    const memory =
      peakBytes === undefined ? ['', ''] : [`${Math.round(peakBytes / 2 ** 20)} MB`, peakTimesBase.toFixed(2)];
    console.log(columns(label, duration(seconds.median), duration(seconds.min), timesBase.toFixed(2), ...memory));
  }
}

/** Seconds an image, together and one by one. @param {{ label: string, secondsPerImage: { batched: number, plain: number }, timesFaster: number }[]} rows */
export function printPerImage(title, rows) {
  const cells = (label, ...values) => label.padEnd(24) + values.map((value) => value.padStart(14)).join('');
  const milliseconds = (value) => `${(1000 * value).toPrecision(3)} ms`;
  console.log(`\n${title}`);
  console.log(cells('', 'batched', 'one by one', '×'));
  for (const { label, secondsPerImage, timesFaster } of rows) {
    const [batched, plain] = [secondsPerImage.batched, secondsPerImage.plain].map(milliseconds);
    console.log(cells(label, batched, plain, timesFaster.toFixed(1)));
  }
}

/** Once in the life of the process: what it runs on. */
export async function describeMachine() {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown CPU',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    libtorch: native.buildInfo().torch,
    node: process.versions.node,
    threads: await native.threads(),
  };
}

/** One line of at most 80 characters. */
export function machineLine({ cpu, cores, libtorch, node, threads }) {
  return `${cores} cores of ${cpu}, ${threads} threads; libtorch ${libtorch}, Node.js ${node}`;
}

/** The resident set's high-water mark and size in bytes; Linux tells them in kilobytes. */
function resident() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const of = (field) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)[1]) * 1024;
  return { peak: of('VmHWM'), now: of('VmRSS') };
}

/**
 * How far one run takes this process's resident memory above what it held before: activations, gradients, results and scratch memory, whoever
 * allocates them, but neither weights nor the program. For a fresh process: an allocator that kept pages of earlier work would hide some.
 */
export async function peakOfRun(run) {
  globalThis.gc?.();
  writeFileSync('/proc/self/clear_refs', '5'); // lowers the high-water mark to the present size
  const before = resident().now;
  await run();
  return resident().peak - before;
}

/** Runs `node FILE …ARGS`, which prints one JSON value. */
export function runAlone(file, args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', file, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')} failed:\n${stderr}`);
  return JSON.parse(stdout);
}

/**
 * A program that answers one line of JSON to each line it reads, so that other runtimes take part in the same rounds. Its first line says what
 * it is.
 */
export async function openPeer(command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const complaints = [];
  createInterface({ input: child.stderr }).on('line', (line) => complaints.push(line));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${command} ended: ${complaints.at(-1) ?? 'without a word'}`);
    return JSON.parse(value);
  };
  child.on('error', ({ message }) => complaints.push(message));
  child.stdin.on('error', () => {}); // of a child that has ended: `next` tells of it
  const about = await next();
  return {
    about,
    ask(question) {
      child.stdin.write(`${question}\n`);
      return next();
    },
    close: () => child.stdin.end(),
  };
}

/** A line on stderr that the next one replaces. */
export function progress(...parts) {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r\u001b[K${parts.join(': ').slice(0, 79)}`);
}
