// The phases of `kbinit etcd init` in their order.
import type { Phase } from '../../workflow/phase.ts';
import { certs } from './certs.ts';
import { clients } from './clients.ts';
import { config } from './config.ts';
import type { EtcdClusterContext } from './context.ts';
import { etcdPreflight } from './preflight.ts';
import { programs } from './programs.ts';
import { start } from './start.ts';

export const etcdInitPhases: readonly Phase<EtcdClusterContext>[] = [
  etcdPreflight,
  programs,
  certs,
  config,
  start,
  clients,
];
