// FileAvailable-, DirAvailable-, FileExisting- and FileContent-: what must be, and what must not be, on the disk.
import { error, warning, type Check } from '../check.ts';

/** kubeadm's dynamic names: every `/` of the path becomes `-` (spec 03 §1). */
function nameFor(kind: string, path: string): string {
  return `${kind}-${path.replaceAll('/', '-')}`;
}

const reset = '`kbinit reset` removes an earlier cluster from the host';

/** The path is free. */
export function fileAvailable(path: string): Check {
  const name = nameFor('FileAvailable', path);
  return {
    name,
    asks: { paths: [path] },
    run: ({ survey }) =>
      (survey.paths.get(path) ?? 'missing') === 'missing'
        ? []
        : [error(name, `${path} already exists`, reset, { kind: 'path', path })],
  };
}

/** The folder is missing or empty. */
export function dirAvailable(path: string): Check {
  const name = nameFor('DirAvailable', path);
  return {
    name,
    asks: { paths: [path] },
    run({ survey }) {
      const state = survey.paths.get(path) ?? 'missing';
      if (state === 'missing' || state === 'empty-folder') return [];
      if (state === 'fresh-disk') {
        const fix = `remove ${path}/lost+found (\`rmdir ${path}/lost+found\`), or name a folder below ${path} in the configuration`;
        return [error(name, `${path} is a disk of its own with only lost+found on it`, fix, { kind: 'path', path })];
      }
      const text = state === 'file' ? `${path} is not a folder` : `${path} is not empty`;
      return [error(name, text, reset, { kind: 'path', path })];
    },
  };
}

/** The command is on the PATH; without an optional one the host still does. */
export function commandExisting(command: string, isOptional = false): Check {
  const name = nameFor('FileExisting', command);
  const finding = isOptional ? warning : error;
  return {
    name,
    asks: { executables: [command] },
    run: ({ survey }) =>
      survey.executables.has(command)
        ? []
        : [finding(name, `${command} is not on the PATH`, `install the package that has ${command}`)],
  };
}

/** A kernel switch is on: the file begins with `1`. */
export function switchedOn(path: string): Check {
  const name = nameFor('FileContent', path);
  const key = path.replace('/proc/sys/', '').replaceAll('/', '.');
  return {
    name,
    asks: { texts: [path] },
    run({ survey }) {
      const text = survey.texts.get(path);
      if (text?.startsWith('1')) return [];
      const found = text === undefined ? `${path} does not exist` : `${path} is ${text.trim() || 'empty'}, not 1`;
      const load = text === undefined && path.includes('/bridge/') ? 'modprobe br_netfilter && ' : '';
      return [error(name, found, `\`${load}sysctl -w ${key}=1\`, and for the next boot in a file of /etc/sysctl.d`)];
    },
  };
}
