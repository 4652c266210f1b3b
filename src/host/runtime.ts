// The one maker of commands for a container runtime's tools: crictl where it is installed, else containerd's own ctr.
import { script, sh, type Shell } from './shell.ts';

/** Where containerd listens; `host prepare` and bundles work with no other runtime. */
export const containerdSocket = 'unix:///run/containerd/containerd.sock';

/*
 * A configuration of the host (/etc/crictl.yaml, variables for the endpoints) may name another runtime, or turn on messages
 * that are no answer: it is not read. crictl of 1.24 and later takes an empty file for
 * a configuration without settings.
 */
const tools = script`
has_crictl() { command -v crictl >/dev/null 2>&1; }
cri() {
  [ -z "$cri_seconds" ] || set -- --timeout "$((cri_seconds / 2))s" "$@"
  set -- crictl --config /dev/null -r "unix://$socket" -i "unix://$socket" "$@"
  [ -z "$cri_seconds" ] || set -- timeout "$cri_seconds" "$@"
  "$@"
}
k8s_ctr() {
  [ -z "$cri_seconds" ] || set -- --connect-timeout "$((cri_seconds / 2))s" "$@"
  set -- ctr --address "$socket" -n k8s.io "$@"
  [ -z "$cri_seconds" ] || set -- timeout "$cri_seconds" "$@"
  "$@"
}
`;

/**
 * Functions that ask the runtime behind a socket (a URL or a path), which is then in `$socket` as a path: `cri ARGUMENT…`,
 * `k8s_ctr ARGUMENT…` for containerd alone, and `has_crictl`. With a number of seconds none of their answers is waited for
 * any longer. What they answer is on standard output; what they say about it on standard error is no part of it.
 */
export function runtimeTools(criSocket: string, seconds?: number): Shell {
  return sh`socket=${criSocket.replace(/^unix:\/\//, '')} cri_seconds=${seconds ?? ''}
${tools}`;
}

const list = script`
if has_crictl; then cri images -o json; exit; fi
k8s_ctr images ls -q
`;

/** The images that the runtime has: JSON of crictl, or a name a line. */
export function listImages(criSocket: string): Shell {
  return sh`${runtimeTools(criSocket)}${list}`;
}

// The runtime knows its mirrors; ctr has to be shown where they are.
const pull = script`
if has_crictl; then cri pull "$image"; exit; fi
command -v ctr >/dev/null 2>&1 || { echo 'neither crictl nor ctr is there' >&2; exit 127; }
hosts=/etc/containerd/certs.d
if [ -d "$hosts" ]; then k8s_ctr images pull --hosts-dir "$hosts" "$image"; exit; fi
k8s_ctr images pull "$image"
`;

/** Have the runtime pull an image, through the mirrors that the host has. */
export function pullImage(criSocket: string, image: string): Shell {
  return sh`${runtimeTools(criSocket)}image=${image}
${pull}`;
}
