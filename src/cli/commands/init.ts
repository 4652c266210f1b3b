// kbinit init: from flags and a config file to a control plane.
import { Command } from 'commander';
import { initPhases } from '../../phases/index.ts';
import { changedFlags, withFlags } from '../flags.ts';
import type { InitOptions } from './init-run.ts';
import { addPhaseCommands } from '../run/workflow.ts';

const initFlags = [
  'apiserver-advertise-address',
  'apiserver-bind-port',
  'apiserver-cert-extra-sans',
  'cert-dir',
  'certificate-key',
  'certificate-key-file',
  'config',
  'control-plane-endpoint',
  'cri-socket',
  'dry-run',
  'feature-gates',
  'ignore-preflight-errors',
  'image-repository',
  'kubernetes-version',
  'node-name',
  'patches',
  'pod-network-cidr',
  'service-cidr',
  'service-dns-domain',
  'skip-certificate-key-print',
  'skip-phases',
  'skip-token-print',
  'token',
  'token-file',
  'token-ttl',
  'upload-certs',
  'yes',
  'cni',
  'backend',
];

/** `kbinit init` and `kbinit init phase …`. */
export function initCommand(): Command {
  const command = withFlags(
    new Command('init').description('Set up the first control plane of a cluster, on this host or over SSH'),
    initFlags,
  );
  command.action(() => run(command));
  addPhaseCommands(command, initPhases, (path, phase) => run(phase, path));
  return command;
}

async function run(command: Command, only?: string): Promise<void> {
  // The work's modules load only when there is work.
  const { runInit } = await import('./init-run.ts');
  await runInit(command.opts<InitOptions>(), changedFlags(command), only);
}
