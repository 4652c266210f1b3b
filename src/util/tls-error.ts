// Which failures of a TLS connection mean that the other side is not who it should be, and what is said of them.
import { KbError } from '../errors.ts';

/** OpenSSL's verdicts on a certificate as Node names them, and Node's own for a wrong name. */
const verdict =
  /^(?:CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_|HOSTNAME_MISMATCH$|ERR_TLS_CERT_)/;

/** True when the certificate was looked at and refused: another try would see the same one. */
export function isCertificateError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && verdict.test(error.code);
}

/** What an API server that TLS refuses is called; undefined for a failure that another try may change. */
export function tlsRefusal(server: string, host: string, error: unknown): KbError | undefined {
  const isHandshake =
    error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('ERR_SSL_');
  if (!isCertificateError(error) && !isHandshake) return undefined;
  return new KbError({
    code: 'KB_API_TLS',
    summary: 'TLS refused the connection to the API server',
    host,
    detail: `${server}, asked from ${host}: ${error.message}`,
    fix: 'check that the CA in the kubeconfig signed the certificate of the API server (apiserver.crt), that the address is that of this cluster, and the clocks',
  });
}
