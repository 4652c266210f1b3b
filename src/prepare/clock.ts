// The host's clock: certificates and etcd want it right. Whatever keeps it already is left alone.
import { sh } from '../host/shell.ts';
import { nothing, unitEntry, type Plan } from './action.ts';
import { distroOf, type Distro } from './distro.ts';
import type { PrepareSpec } from './spec.ts';
import type { HostState } from './state.ts';

/** Services that set a clock. */
export const timeServices: readonly string[] = [
  'chronyd.service',
  'chrony.service',
  'systemd-timesyncd.service',
  'ntpd.service',
  'ntp.service',
  'ntpsec.service',
  'openntpd.service',
];

/** chrony's unit, by what the system calls it. */
export function clockUnits({ family }: Distro): readonly string[] {
  return [family === 'debian' ? 'chrony.service' : 'chronyd.service'];
}

/** Something keeps it. */
export function hasClock({ units }: HostState): boolean {
  return timeServices.some((unit) => units.get(unit)?.isActive === true);
}

/** Start chrony where nothing keeps the clock. */
export function planClock(state: HostState, { source, isDryRun }: PrepareSpec): Plan {
  const distro = distroOf(state);
  if (hasClock(state) || 'unknown' in distro) return nothing;
  const [unit = ''] = clockUnits(distro);
  // In a dry run the packages that are planned have not come.
  const isComing = isDryRun && source.kind === 'packages';
  if (!state.packages.has('chrony') && !isComing) {
    return { actions: [], warnings: ['the clock of this host is not synchronised: install chrony'] };
  }
  return {
    actions: [
      {
        kind: 'command',
        command: sh`systemctl -q enable ${unit} && systemctl start ${unit}`,
        why: `start ${unit}, now and at boot`,
        before: [unitEntry(state, unit)],
        isOptional: true,
      },
    ],
  };
}
