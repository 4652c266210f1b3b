// The one maker of commands for a container runtime's tools: crictl where it is installed, else containerd's own ctr.
import { script, sh, type Shell } from './shell.ts';

/**
 * `cri ARGUMENT…` asks the runtime behind the URL in $socket. A configuration of the host (/etc/crictl.yaml, variables for
 * the endpoints) may name another runtime, or turn on messages that are no answer: it is not read.
 */
export const criTool: Shell = script`
cri() { crictl --config /dev/null -r "$socket" -i "$socket" "$@"; }
`;

/** `unix:///run/x.sock` of a path or a URL. */
function socketUrl(criSocket: string): string {
  return criSocket.startsWith('unix://') ? criSocket : `unix://${criSocket}`;
}

/** A socket, as $socket with its scheme and $address without, and the tool for it. */
function withRuntime(criSocket: string, command: Shell): Shell {
  const url = socketUrl(criSocket);
  return sh`socket=${url} address=${url.replace(/^unix:\/\//, '')}
${criTool}${command}`;
}

const list = script`
if command -v crictl >/dev/null 2>&1; then cri images -o json; exit; fi
exec ctr --address "$address" -n k8s.io images ls -q
`;

/** The images that the runtime has: JSON of crictl, or a name a line. */
export function listImages(criSocket: string): Shell {
  return withRuntime(criSocket, list);
}

// The runtime knows its mirrors; ctr has to be shown where they are.
const pull = script`
if command -v crictl >/dev/null 2>&1; then cri pull "$image"; exit; fi
command -v ctr >/dev/null 2>&1 || { echo 'neither crictl nor ctr is there' >&2; exit 127; }
hosts=/etc/containerd/certs.d
if [ -d "$hosts" ]; then exec ctr --address "$address" -n k8s.io images pull --hosts-dir "$hosts" "$image"; fi
exec ctr --address "$address" -n k8s.io images pull "$image"
`;

/** Have the runtime pull an image, through the mirrors that the host has. */
export function pullImage(criSocket: string, image: string): Shell {
  return withRuntime(
    criSocket,
    sh`image=${image}
${pull}`,
  );
}
