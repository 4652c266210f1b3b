// Finding the cluster by a kubeconfig file, on the joining host or at an https URL (spec 06 §3.2).
import { KbError } from '../../errors.ts';
import type { FoundCluster, JoinContext } from '../context.ts';

/** Server, CA and credentials that the file has. */
export function findByFile(ctx: JoinContext): Promise<FoundCluster> {
  return Promise.reject(fileDiscoveryLater(ctx));
}

function fileDiscoveryLater(ctx: JoinContext): KbError {
  return new KbError({
    code: 'KB_NOT_YET',
    summary: 'discovery from a file is not there yet',
    host: ctx.host.name,
    detail: 'this version of kbinit joins with a token and the CA hash',
    fix: 'use `kbinit join HOST:PORT --token … --discovery-token-ca-cert-hash sha256:…`',
  });
}
