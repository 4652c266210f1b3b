// Resolver: the host has a name server that Pods can use; CoreDNS forwards to it.
import { isLoopback, parseIp } from '../../util/net.ts';
import { warning, type Check, type Found } from '../check.ts';

const name = 'Resolver';
const file = '/etc/resolv.conf';

/** `resolvConf` is the kubelet's own setting: who sets it knows better (kubeadm#1162, #1292). */
export function resolver(resolvConf?: unknown): Check {
  return {
    name,
    asks: { texts: [file] },
    run: (found) => (typeof resolvConf === 'string' && resolvConf !== file ? [] : judge(found)),
  };
}

function judge({ survey, facts }: Found): ReturnType<Check['run']> {
  const servers = [...(survey.texts.get(file) ?? '').matchAll(/^\s*nameserver\s+(\S+)/gm)].map((m) => m[1] ?? '');
  if (servers.length === 0) {
    return [
      warning(name, `${file} names no name server, so CoreDNS cannot resolve outside names`, `add one to ${file}`),
    ];
  }
  const local = servers.find((server) => {
    const ip = parseIp(server);
    return ip !== undefined && isLoopback(ip);
  });
  // With systemd-resolved the kubelet is given the file behind the stub.
  if (local === undefined || facts.isResolvedActive) return [];
  const text = `${file} names ${local}, which in a Pod is the Pod itself: CoreDNS would ask itself in a loop`;
  return [warning(name, text, 'set resolvConf in the KubeletConfiguration to a file with the real name servers')];
}
