import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { Command } from 'commander';

import {
  checkCmake,
  checkCompiler,
  checkMake,
  checkNode,
  checkNvcc,
  checkPython,
  type Check as Prerequisite,
} from '../../scripts/prerequisites.mjs';
import { resolveLibtorch, type Libtorch } from '../../scripts/libtorch.mjs';
import { addonPath, readAddonBuild } from '../load.js';
import { addCommand, onRun } from './command.js';
import type { CommandContext } from './context.js';

interface Check {
  name: string;
  ok: boolean;
  /** What was found, or what went wrong. */
  found: string;
  /** What to do about it. */
  fix?: string;
}

interface DoctorFlags {
  device: string;
  seed: number;
}

const PROBE = fileURLToPath(new URL('probe.js', import.meta.url));

export function register(program: Command): void {
  const command = addCommand(program, 'doctor', 'check everything cumulens needs on this machine', {
    device: true,
    seed: true,
  });
  onRun(command, async (context, flags: DoctorFlags) => {
    const checks: Check[] = [];
    const report = (check: Check): boolean => {
      checks.push(check);
      const fix = check.fix ? `\n     to fix it: ${check.fix}` : '';
      context.print(`${check.ok ? 'ok  ' : 'FAIL'} ${check.name.padEnd(9)} ${check.found}${fix}`);
      return check.ok;
    };
    const libtorch = reportLibtorch(report);
    for (const check of prerequisites(libtorch)) report(check);
    // Without libtorch the addon cannot load, and no build would change that.
    if (reportBuild(report) && libtorch) await reportProbes(context, flags, report);
    const ok = checks.every((check) => check.ok);
    if (!ok) context.fail();
    context.print(ok ? 'Everything is there.' : 'Something is missing: see the lines marked FAIL.');
    return { ok, checks, libtorch };
  });
}

/** A variable that names a wrong libtorch stands before any that could be fetched. */
function libtorchFix(): string {
  const variable = ['LIBTORCH', 'LIBTORCH_USE_PYTORCH'].find((name) => process.env[name]);
  const fetch = "'npx cumulens libtorch --variant cpu'";
  return variable ? `set ${variable} right, or unset it and run ${fetch}` : `run ${fetch}`;
}

function reportLibtorch(report: (check: Check) => boolean): Libtorch | null {
  try {
    const found = resolveLibtorch();
    const { version, cuda, root, source } = found;
    report({
      name: 'libtorch',
      ok: true,
      found: `${version}, ${cuda ? `CUDA ${cuda}` : 'no CUDA'}, ${root} (${source})`,
    });
    return found;
  } catch (error) {
    report({
      name: 'libtorch',
      ok: false,
      found: (error as Error).message,
      fix: libtorchFix(),
    });
    return null;
  }
}

function prerequisites(libtorch: Libtorch | null): Check[] {
  const checks = [checkNode(), checkCompiler(), checkCmake(), checkMake(), checkPython()];
  if (libtorch?.cuda) checks.push(checkNvcc());
  return checks.map(({ name, ok, needed, found, fix }: Prerequisite) => ({
    name,
    ok,
    found: `${found} (needed: ${needed})`,
    ...(fix ? { fix } : {}),
  }));
}

function reportBuild(report: (check: Check) => boolean): boolean {
  const path = addonPath();
  try {
    const { libtorch, compiler, builder } = readAddonBuild(path);
    return report({
      name: 'build',
      ok: true,
      found: `${path}, for libtorch ${libtorch.version}, by ${builder} with ${compiler}`,
    });
  } catch (error) {
    return report({ name: 'build', ok: false, found: (error as Error).message, fix: "run 'npx cumulens build'" });
  }
}

// Each probe runs in a process of its own: an addon that crashes must not take doctor with it.
async function reportProbes(
  context: CommandContext,
  { device, seed }: DoctorFlags,
  report: (check: Check) => boolean,
): Promise<void> {
  const loads = await probe(['load'], context.signal);
  const rebuild = loads.ok ? {} : { fix: "run 'npx cumulens build --force'" };
  if (!report({ name: 'addon', ok: loads.ok, found: loads.text, ...rebuild })) return;
  const trains = await probe(['train', device, String(seed)], context.signal);
  const fix = device.startsWith('cuda')
    ? "install NVIDIA's driver and run 'npx cumulens libtorch --variant cu130' and 'npx cumulens build'; or use --device cpu"
    : "run 'npx cumulens build --force'";
  report({ name: 'training', ok: trains.ok, found: trains.text, ...(trains.ok ? {} : { fix }) });
}

function probe(args: string[], signal: AbortSignal): Promise<{ ok: boolean; text: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [PROBE, ...args], {
      signal,
      timeout: 120_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err = (err + text).slice(-2000)));
    child.on('error', (error) => {
      resolve({ ok: false, text: error.message });
    });
    child.on('close', (code, killedBy) => {
      if (code === 0) resolve({ ok: true, text: out.trim() });
      else
        resolve({
          ok: false,
          text: killedBy ? `the process was ended by ${killedBy}` : err.trim() || `exit code ${String(code)}`,
        });
    });
  });
}
