// What `kbinit kubeconfig user` does: read the CA on a control-plane host, sign, print.
import { completeInit } from '../../config/complete.ts';
import { KbError } from '../../errors.ts';
import { containerdSocket } from '../../host/runtime.ts';
import { userKubeconfig, type UserRequest } from '../../kubeconfig/user.ts';
import { addSecret } from '../../report/redact.ts';
import { formatDuration, parseDuration } from '../../util/duration.ts';
import { systemRandomSource } from '../../util/keygen.ts';
import { certsConfig, type CertsConfigOptions } from './certs-config.ts';
import { readSecretFile } from '../run/prompt.ts';
import { withSession } from '../run/session.ts';

export interface KubeconfigUserOptions extends CertsConfigOptions {
  readonly clientName: string;
  readonly org?: readonly string[];
  readonly validityPeriod?: string;
  readonly token?: string;
  readonly tokenFile?: string;
}

const yearSeconds = 8760 * 3600;

/** Print a kubeconfig. @throws KbError for bad input, ReportedError for a failed run */
export async function runKubeconfigUser(options: KubeconfigUserOptions): Promise<void> {
  const identity = identityOf(options);
  await withSession('kubeconfig user', options, 'read', async (session) => {
    if (identity.kind === 'certificate' && identity.validitySeconds > yearSeconds) {
      const text = `a client certificate cannot be taken back: ${formatDuration(identity.validitySeconds)} is longer than the usual ${formatDuration(yearSeconds)}`;
      session.reporter.emit({ kind: 'warning', host: session.host.name, text });
    }
    const { draft } = await certsConfig(session, options);
    const chance = systemRandomSource();
    const node = { ...draft.node, criSocket: draft.node.criSocket ?? containerdSocket };
    const facts = await session.host.facts();
    const reached = { reachedAddress: session.reachedAddress };
    const { spec } = completeInit({ ...draft, node }, facts, chance, reached);
    const folder = spec.cluster.certificatesDir;
    const existing = await session.host.readAll([`${folder}/ca.crt`, `${folder}/ca.key`]);
    const name = options.clientName;
    session.print(await userKubeconfig({ ...spec, name, identity, existing, chance, now: session.startedAt }));
  });
}

/** A token, or a certificate for so long. @throws KbError KB_CONFIG */
function identityOf(options: KubeconfigUserOptions): UserRequest['identity'] {
  const token = options.tokenFile === undefined ? options.token : readSecretFile(options.tokenFile, 'token-file');
  if (token !== undefined && token !== '') {
    addSecret(token);
    return { kind: 'token', token };
  }
  const text = options.validityPeriod ?? formatDuration(yearSeconds);
  const validitySeconds = parseDuration(text);
  if (validitySeconds === undefined || validitySeconds <= 0) {
    throw new KbError({
      code: 'KB_CONFIG',
      summary: 'invalid value for --validity-period: expected a duration such as 720h',
      detail: `--validity-period is ${JSON.stringify(text)}`,
      fix: 'write for example 24h or 8760h0m0s',
    });
  }
  return { kind: 'certificate', organizations: options.org ?? [], validitySeconds };
}
