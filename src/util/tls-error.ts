// Which failures of a TLS connection mean that the other side is not who it should be.

/** OpenSSL's verdicts on a certificate as Node names them, and Node's own for a wrong name. */
const verdict =
  /^(?:CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_|HOSTNAME_MISMATCH$|ERR_TLS_CERT_)/;

/** True when the certificate was looked at and refused: another try would see the same one. */
export function isCertificateError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && verdict.test(error.code);
}
