// TLS as Kubernetes' own programs speak it: the only place where a TLS connection is opened.
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { pemBlocks } from './pem.ts';

/** Who is expected at the other end, and who asks. */
export interface TlsPeer {
  /** The name or address that the certificate must be valid for. */
  readonly name: string;
  /** PEM of the CAs to trust; those that Node trusts when it is left out. */
  readonly ca?: string | undefined;
  /** The client's certificate and key, as PEM. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Whoever answers is taken: nothing that is sent or read may count on it. */
  readonly isUnverified?: boolean;
}

/**
 * TLS over a stream, for HTTP/1.1. As in Go, every certificate of `ca` is an anchor: Node alone would go on to a
 * self-signed root, which a cluster whose CA is an intermediate does not have.
 */
export function openTls(stream: Duplex, peer: TlsPeer): TLSSocket {
  const { name, ca, cert, key, isUnverified } = peer;
  const socket = connect({
    socket: stream,
    host: name,
    // The server name of TLS is for names only (RFC 6066 §3).
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ALPNProtocols: ['http/1.1'],
    allowPartialTrustChain: true,
    ...(ca === undefined ? {} : { ca: [...anchors(ca)] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(isUnverified === true ? { rejectUnauthorized: false } : {}),
  });
  // A stream that ends without an error of its own must not leave a request waiting.
  stream.once('close', () => socket.destroy());
  return socket;
}

/** The certificates of a bundle that can be read; of none, nobody is trusted (Go's AppendCertsFromPEM). */
function anchors(bundle: string): readonly string[] {
  return pemBlocks(bundle)
    .filter(({ label, hasHeaders }) => label === 'CERTIFICATE' && !hasHeaders)
    .flatMap(({ der }) => {
      try {
        return [new X509Certificate(der).toString()];
      } catch {
        return [];
      }
    });
}
