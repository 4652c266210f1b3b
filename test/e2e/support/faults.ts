// Faults of a host that come and go: what must be done there for a check to fail, and how it is undone.

/** Shell scripts that make a fault and take it away again. */
export interface HostFault {
  readonly apply: string;
  readonly undo: string;
}

/** Fakes may lie upon each other: each has a place of its own. */
let made = 0;

/** Another text where a file is read: bind-mounted over it, so that /proc and programs can be faked, too. */
export function fakeFile(path: string, text: string, mode = '644'): HostFault {
  const fake = `/run/fakes/${++made}${path}`;
  const encoded = Buffer.from(text).toString('base64');
  return {
    apply: `mkdir -p "$(dirname ${fake})"; echo ${encoded} | base64 -d >${fake}; chmod ${mode} ${fake}; mount --bind ${fake} ${path}`,
    undo: `umount ${path}`,
  };
}

/** A program that answers some arguments itself and hands the rest to the real one, `$real`. */
export function fakeProgram(name: string, cases: string): HostFault {
  const folder = `/run/fakes/${++made}`;
  const real = `${folder}/real-${name}`;
  const script = `#!/bin/sh\nreal=${real}\n${cases}\nexec $real "$@"\n`;
  const encoded = Buffer.from(script).toString('base64');
  return {
    apply: `mkdir -p ${folder}; path=$(readlink -f "$(command -v ${name})"); cp "$path" ${real}
echo ${encoded} | base64 -d >${folder}/${name}; chmod 755 ${folder}/${name}; mount --bind ${folder}/${name} "$path"`,
    undo: `umount "$(readlink -f "$(command -v ${name})")"`,
  };
}

const folders = '/usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin';

/** A command that is on no PATH. */
export function hidden(command: string): HostFault {
  return {
    apply: `for d in ${folders}; do [ ! -e $d/${command} ] || mv $d/${command} $d/.hidden-${command}; done`,
    undo: `for d in ${folders}; do [ ! -e $d/.hidden-${command} ] || mv $d/.hidden-${command} $d/${command}; done`,
  };
}

/** Somebody else's process on a port. */
export function squatter(port: number): HostFault {
  return {
    apply: `systemd-run -q --collect --unit=squatter-${port} socat TCP-LISTEN:${port},fork,reuseaddr EXEC:true
until ss -Hltn 'sport = :${port}' | grep -q .; do sleep 0.05; done`,
    undo: `systemctl stop squatter-${port}`,
  };
}

/** A clock that is off by some seconds, for programs that ask `date`. */
export function wrongClock(seconds: number): HostFault {
  return fakeProgram('date', `[ "$1" != +%s ] || { echo $(($($real +%s) + ${seconds})); exit; }`);
}

/** A file that is there; its folder stays. */
export function existing(path: string, text = ''): HostFault {
  return { apply: `mkdir -p "$(dirname ${path})"; printf '%s' '${text}' >${path}`, undo: `rm ${path}` };
}

/** A file system of its own, with these mount options. */
export function mounted(path: string, options: string): HostFault {
  return { apply: `mkdir -p ${path}; mount -t tmpfs -o ${options} tmpfs ${path}`, undo: `umount ${path}` };
}

/** Make faults, do something, and take them away whatever happens. */
export async function withFaults<T>(
  on: (script: string) => Promise<unknown>,
  faults: readonly HostFault[],
  work: () => Promise<T>,
): Promise<T> {
  const applied: HostFault[] = [];
  try {
    for (const fault of faults) {
      await on(fault.apply);
      applied.push(fault);
    }
    return await work();
  } finally {
    for (const fault of applied.toReversed()) await on(fault.undo);
  }
}
