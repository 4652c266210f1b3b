// Firewalld and Service-kubelet: what systemd says about two units.
import { namesServiceChecksByUnit } from '../../kube/traits.ts';
import type { KubeVersion } from '../../kube/version.ts';
import { warning, type Check, type Finding } from '../check.ts';
import type { Survey } from '../survey.ts';

const noInitSystem = 'no supported init system was found: systemctl is not on the PATH';
const useSystemd = 'run kbinit on a host that is managed by systemd';

/** A running firewalld may close the ports of the control plane (spec 03 §2 #4). */
export function firewalld(ports: readonly number[]): Check {
  const name = 'Firewalld';
  const open = ports.map((port) => `--add-port=${port}/tcp`).join(' ');
  return {
    name,
    asks: { units: ['firewalld.service'] },
    run({ survey }): readonly Finding[] {
      if (survey.units === undefined) return [warning(name, noInitSystem, useSystemd)];
      const state = survey.units.get('firewalld.service')?.active;
      if (state !== 'active' && state !== 'activating') return [];
      return [
        warning(
          name,
          `firewalld is active; ports ${ports.join(', ')} must be open`,
          `\`firewall-cmd --permanent ${open} && firewall-cmd --reload\``,
        ),
      ];
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
