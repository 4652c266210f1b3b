// kbinit join: make a host a node of a cluster.
import { Command } from 'commander';
import { joinPhases } from '../../phases/index.ts';
import { changedFlags, withFlagsForHosts } from '../flags.ts';
import type { JoinOptions } from './join-run.ts';
import { addPhaseCommands } from '../run/workflow.ts';

const joinFlags = [
  'admin-host',
  'apiserver-advertise-address',
  'apiserver-bind-port',
  'certificate-key',
  'certificate-key-file',
  'config',
  'control-plane',
  'copy-certs-from',
  'cri-socket',
  'discovery-file',
  'discovery-token',
  'discovery-token-ca-cert-hash',
  'discovery-token-unsafe-skip-ca-verification',
  'dry-run',
  'ignore-preflight-errors',
  'join-host',
  'node-name',
  'patches',
  'replace',
  'rootfs',
  'skip-phases',
  'tls-bootstrap-token',
  'token',
  'token-file',
  'yes',
];

/** `kbinit join` and `kbinit join phase …`. */
export function joinCommand(): Command {
  const command = withFlagsForHosts(
    new Command('join')
      .description('Join a host to a cluster as a node')
      .argument('[api-server-endpoint]', 'address of the API server: host:port'),
    joinFlags,
  );
  command.action((endpoint: string | undefined) => run(command, endpoint));
  addPhaseCommands(command, joinPhases, (path, phase) => run(phase, phase.args[0], path));
  return command;
}

async function run(command: Command, endpoint: string | undefined, only?: string): Promise<void> {
  const { runJoin } = await import('./join-run.ts');
  await runJoin(command.opts<JoinOptions>(), endpoint, changedFlags(command), only);
}
