// Installs what package-lock.json names, unless it is there; steps.mjs runs it while nobody else does so in this clone.
import { spawnSync } from 'node:child_process';
import { isInstalled, root } from './steps.mjs';

if (!isInstalled()) {
  const { status } = spawnSync('npm', ['ci', '--no-progress', '--loglevel=error'], { cwd: root, stdio: 'inherit' });
  process.exitCode = status ?? 1;
}
