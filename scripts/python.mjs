// Python is needed once, to fetch libtorch: PyTorch publishes it as a wheel, and pip knows where wheels are.
import { spawnSync } from 'node:child_process';

/**
 * The first Python 3.7+ on the PATH (or `$PYTHON`).
 * @returns {{command: string, version: string, pip: string | null} | undefined}
 */
export function findPython(env = process.env) {
  const candidates = env.PYTHON ? [env.PYTHON] : ['python3', 'python'];
  const found = candidates.map((command) => describe(command, env)).filter(Boolean);
  return found.find((python) => python.pip) ?? found[0];
}

function describe(command, env) {
  const run = (...args) => spawnSync(command, args, { env, encoding: 'utf8', timeout: 60_000 });
  const version = run('-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])');
  if (version.status !== 0) return undefined;
  const [major, minor] = version.stdout.split('.').map(Number);
  if (major !== 3 || minor < 7) return undefined;
  const pip = run('-m', 'pip', '--version');
  return {
    command,
    version: version.stdout.trim(),
    pip: pip.status === 0 ? (pip.stdout.match(/^pip (\S+)/)?.[1] ?? 'unknown') : null,
  };
}
