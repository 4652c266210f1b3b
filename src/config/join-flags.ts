// A join draft made of flags alone (spec 01 §3).
import { defaultNode, defaultTimeouts, defaults } from './defaults.ts';
import type { JoinDraft } from './draft.ts';
import type { JoinFlags } from './flags.ts';
import { mergeJoinFlags } from './merge-flags.ts';
import type { Report } from './report.ts';
import { pathOfFileUrl } from './syntax.ts';

const howToDiscover =
  'give host:port of the API server with --token and --discovery-token-ca-cert-hash, or --discovery-file';

function discovery(flags: JoinFlags, report: Report): JoinDraft['discovery'] {
  const token = flags.discoveryToken || flags.token || '';
  const hasToken = flags.apiServerEndpoint !== undefined && flags.apiServerEndpoint !== '';
  const hasFile = flags.discoveryFile !== undefined && flags.discoveryFile !== '';
  if (hasFile === hasToken) {
    const problem = hasFile ? 'bootstrapToken and file cannot both be set' : 'bootstrapToken or file must be set';
    report.refuseAll(`discovery: ${problem}`, howToDiscover);
  }
  if (hasFile) return { kind: 'file', kubeConfigPath: pathOfFileUrl(flags.discoveryFile) };
  return {
    kind: 'token',
    token,
    apiServerEndpoint: flags.apiServerEndpoint ?? '',
    caCertHashes: flags.discoveryTokenCaCertHash ?? [],
    unsafeSkipCAVerification: flags.discoveryTokenUnsafeSkipCaVerification ?? false,
  };
}

function controlPlane(flags: JoinFlags, report: Report): Pick<JoinDraft, 'controlPlane'> {
  const { apiserverAdvertiseAddress, apiserverBindPort, certificateKey } = flags;
  if (flags.controlPlane === true) {
    return {
      controlPlane: {
        localAPIEndpoint: {
          advertiseAddress: apiserverAdvertiseAddress || undefined,
          bindPort: apiserverBindPort ?? defaults.bindPort,
        },
        ...(certificateKey ? { certificateKey } : {}),
      },
    };
  }
  const useless = [
    ...(apiserverAdvertiseAddress === undefined ? [] : ['--apiserver-advertise-address']),
    ...(apiserverBindPort === undefined ? [] : ['--apiserver-bind-port']),
    ...(certificateKey === undefined ? [] : ['--certificate-key']),
  ];
  if (useless.length > 0) report.warnAll(`${useless.join(', ')} only matters with --control-plane; ignored`);
  return {};
}

/** The draft of `join` without --config. */
export function joinDraftOfFlags(flags: JoinFlags, report: Report): JoinDraft {
  const found = discovery(flags, report);
  const fallback = found.kind === 'token' ? found.token : flags.token;
  const tlsBootstrapToken = flags.tlsBootstrapToken || flags.token || fallback || undefined;
  const draft: JoinDraft = {
    node: defaultNode,
    caCertPath: defaults.caCertPath,
    discovery: found,
    ...(tlsBootstrapToken !== undefined && { tlsBootstrapToken }),
    ...controlPlane(flags, report),
    skipPhases: [],
    timeouts: defaultTimeouts,
    isDryRun: false,
  };
  return mergeJoinFlags(draft, flags);
}
