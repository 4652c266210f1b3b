// The host's own name, where one is asked for.
import { file, nothing, type Plan } from './action.ts';
import { isMounted } from './hosts-file.ts';
import { setSysctl } from './kernel.ts';
import { places } from './places.ts';
import type { PrepareSpec } from './spec.ts';
import type { HostState } from './state.ts';

/** hostnamectl does these two things through D-Bus, which a minimal host may not have. */
export function planHostname(state: HostState, { hostname }: PrepareSpec): Plan {
  if (hostname === undefined) return nothing;
  const lasting = file(state, places.hostname, `${hostname}\n`);
  if (lasting.length > 0 && state.mounted.has(places.hostname)) return isMounted(places.hostname);
  const isRunning = state.hostname === hostname;
  return {
    actions: [
      ...lasting,
      ...(isRunning
        ? []
        : [
            {
              kind: 'command' as const,
              command: setSysctl('kernel.hostname', hostname),
              why: `name the host ${hostname}`,
              before: [{ kind: 'sysctl' as const, key: 'kernel.hostname', before: state.hostname, after: hostname }],
            },
          ]),
    ],
  };
}
