// Firewalld and Service-kubelet: what systemd says about two units.
import { namesServiceChecksByUnit } from '../../kube/traits.ts';
import type { KubeVersion } from '../../kube/version.ts';
import { openPorts } from '../../util/firewall.ts';
import { systemFamily } from '../../util/os-release.ts';
import { warning, type Check, type Finding } from '../check.ts';
import type { Survey } from '../survey-parse.ts';

const noInitSystem = 'no supported init system was found: systemctl is not on the PATH';
const useSystemd = 'run kbinit on a host that is managed by systemd';

/**
 * A running firewalld keeps the ports of the control plane closed (spec 03 §2 #4): kubeadm warns of every firewalld, this of
 * the ports that its running configuration does not let in at the address.
 */
export function firewalld(ports: readonly number[], address?: string): Check {
  const name = 'Firewalld';
  return {
    name,
    asks: { units: ['firewalld.service'], firewalld: { ...(address !== undefined && { address }) } },
    run({ survey, facts }): readonly Finding[] {
      if (survey.units === undefined) return [warning(name, noInitSystem, useSystemd)];
      const state = survey.units.get('firewalld.service')?.active;
      if (state !== 'active' && state !== 'activating') return [];
      const { zone, open = [] } = survey.firewalld ?? {};
      const closed = ports.filter((port) => !open.some(({ from, to }) => from <= port && port <= to));
      if (closed.length === 0) return [];
      const text =
        zone === undefined
          ? `firewalld is active and its open ports could not be read; ports ${closed.join(', ')} must be open`
          : `firewalld is active, and its zone ${zone} does not let in ${closed.length === 1 ? 'port' : 'ports'} ${closed.join(', ')}`;
      const canPrepare = systemFamily(facts.osRelease) !== undefined;
      const prepare = canPrepare ? ', or run `kbinit host prepare --role control-plane`' : '';
      return [warning(name, text, `\`${openPorts(closed, zone)}\`${prepare}`)];
    },
  };
}

/** The kubelet's unit exists and starts at boot; whether it runs is not asked (spec 03 §4 #11). */
export function serviceKubelet(version: KubeVersion): Check {
  const name = namesServiceChecksByUnit(version) ? 'Service-kubelet' : 'Service-Kubelet';
  return { name, asks: { units: ['kubelet.service'] }, run: ({ survey }) => judgeKubelet(name, survey.units) };
}

function judgeKubelet(name: string, units: Survey['units']): readonly Finding[] {
  if (units === undefined) return [warning(name, noInitSystem, useSystemd)];
  const unit = units.get('kubelet.service');
  if (unit === undefined || unit.load === 'not-found') {
    return [warning(name, 'systemd knows no kubelet.service', 'install the kubelet with its unit file')];
  }
  if (unit.file.startsWith('enabled') || unit.file === 'static') return [];
  return [warning(name, `the kubelet service is ${unit.file || 'not enabled'}`, '`systemctl enable kubelet.service`')];
}
