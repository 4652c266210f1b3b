// Programs from the host's own packages: installed when they are missing, never upgraded.
import { KbError } from '../errors.ts';
import type { Host } from '../host/host.ts';
import { script, sh } from '../host/shell.ts';
import type { RunContext } from './context.ts';

/** A program and the packages that bring it. */
export interface Packaged {
  readonly program: string;
  /** Of Debian and what comes from it. */
  readonly deb: string;
  /** Of Red Hat's family. */
  readonly rpm: string;
  /** A service that Debian would start with a configuration of its own. */
  readonly quiet?: string;
}

type Manager = 'apt-get' | 'dnf' | 'yum';

const managers: readonly Manager[] = ['apt-get', 'dnf', 'yum'];
/** A slow mirror, or another run that holds the lock. */
const installSeconds = 600;

// Lists may be there and fresh enough: they are fetched only when the first try fails. A masked service is not started.
const apt = script`
export DEBIAN_FRONTEND=noninteractive
if [ -n "$2" ]; then
  systemctl mask --runtime -q "$2"
  trap 'systemctl unmask --runtime -q "$2"' EXIT
fi
install() { apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold "$1"; }
install "$1" || { apt-get update -q && install "$1"; }
`;

/** Install the program where it is missing. True when it was. @throws KbError KB_PACKAGE */
export async function ensureInstalled(
  ctx: RunContext,
  phase: string,
  wanted: Packaged,
  host: Host = ctx.host,
): Promise<boolean> {
  const look = sh`for name in ${[wanted.program, ...managers]}; do command -v "$name" >/dev/null && echo "$name"; done; true`;
  const there = new Set((await host.probe(look)).stdout.split('\n'));
  if (there.has(wanted.program)) return false;
  const manager = managers.find((name) => there.has(name));
  if (manager === undefined) throw noManager(host.name, wanted);
  const name = manager === 'apt-get' ? wanted.deb : wanted.rpm;
  ctx.reporter.emit({ kind: 'step', host: host.name, phase, text: `installing ${name} with ${manager}` });
  const command =
    manager === 'apt-get' ? sh`set -- ${name} ${wanted.quiet ?? ''}; ${apt}` : sh`${manager} install -y -q ${name}`;
  const why = `install ${name}`;
  const { code, stdout, stderr } = await host.run(command, why, { timeoutSeconds: installSeconds, signal: ctx.signal });
  if (code !== 0) throw notInstalled(host.name, wanted, manager, `${stdout}\n${stderr}`);
  return true;
}

function noManager(host: string, { program }: Packaged): KbError {
  return new KbError({
    code: 'KB_PACKAGE',
    summary: `${program} is not installed, and kbinit cannot install it`,
    host,
    detail: `none of ${managers.join(', ')} is on the PATH of ${host}`,
    fix: `install ${program} by hand, then run again`,
  });
}

function notInstalled(host: string, { program }: Packaged, manager: Manager, output: string): KbError {
  const lines = output.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
  return new KbError({
    code: 'KB_PACKAGE',
    summary: `${program} could not be installed`,
    host,
    detail: `${manager} says: ${lines.findLast((line) => /^(?:E:|Error|No package)/i.test(line)) ?? lines.at(-1) ?? 'nothing'}`,
    fix: `check the package sources of ${host}, or install ${program} by hand; then run again`,
    evidence: lines.slice(-6),
  });
}
