// What the entry points have in common: plain Node, so that they run before anything is installed.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Run a program of this machine: arguments as a list, never through a shell.
 * `show` passes its output on as it comes; without it the output is only returned.
 */
export function run(program, args, { show = true, environment = {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    });
    const forward = (signal) => child.kill(signal);
    process.once('SIGINT', forward).once('SIGTERM', forward);
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr?.setEncoding('utf8').on('data', (text) => (output += text));
    const done = (code) => {
      process.off('SIGINT', forward).off('SIGTERM', forward);
      resolve({ code, output });
    };
    child.once('error', (error) => {
      output += `${program}: ${error.message}\n`;
      if (show) process.stderr.write(output);
      done(127);
    });
    child.once('close', (code, signal) => done(code ?? (signal === 'SIGINT' ? 130 : 128)));
  });
}

/** One of the project's own npm scripts, without npm's own lines. */
export function npmRun(script, { words = [], ...options } = {}) {
  return run('npm', ['run', '--silent', script, '--', ...words], options);
}

/** Install what package-lock.json names; nothing when that was done already. `onStart` is told before it takes time. */
export async function ensurePackages(onStart) {
  if (isInstalled()) return { code: 0, output: '' };
  onStart();
  const script = fileURLToPath(new URL('npm-ci.mjs', import.meta.url));
  // Of two entry points that start at once in a bare clone, the second waits and finds everything there.
  const flock = '/usr/bin/flock';
  if (existsSync(flock)) return run(flock, [root, process.execPath, script], { show: false });
  return run(process.execPath, [script], { show: false });
}

/** Whether node_modules has what package-lock.json names, by the hashes of both; other platforms' packages may lack. */
export function isInstalled() {
  const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  // npm writes this file last: it is there when an install was completed.
  if (!existsSync(join(root, 'node_modules/.package-lock.json'))) return false;
  const there = read('node_modules/.package-lock.json');
  return Object.entries(read('package-lock.json')).every(
    ([path, { integrity, optional }]) =>
      path === '' || (optional && there[path] === undefined) || there[path]?.integrity === integrity,
  );
}

/** Seconds as a person reads them. */
export function seconds(value) {
  if (value < 60) return `${value.toFixed(1)} s`;
  return `${Math.floor(value / 60)} m ${String(Math.floor(value % 60)).padStart(2, '0')} s`;
}

/** A clock that starts now. */
export function stopwatch() {
  const start = performance.now();
  return () => (performance.now() - start) / 1000;
}

/** What is wrong with this Node; undefined when nothing is. */
export function nodeProblem() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isEnough = major > 20 || (major === 20 && minor >= 19);
  return isEnough ? undefined : `Node 20.19 or newer is needed; this is ${process.versions.node}`;
}
