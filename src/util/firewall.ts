// How an administrator opens ports in firewalld: now and for the next boot.

/**
 * One command line. Not with a reload: that drops what was opened at run time only, and, until kube-proxy writes them again,
 * the rules of Services.
 */
export function openPorts(ports: readonly number[], zone?: string): string {
  const words = [...(zone === undefined ? [] : [`--zone=${zone}`]), ...ports.map((port) => `--add-port=${port}/tcp`)];
  return ['--permanent ', ''].map((when) => `firewall-cmd ${when}${words.join(' ')}`).join(' && ');
}
