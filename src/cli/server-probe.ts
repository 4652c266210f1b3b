// Whether an API server can be reached from the machine that runs kbinit, and is the cluster's.
import { isIP } from 'node:net';
import { checkServerIdentity as checkIdentity, connect } from 'node:tls';
import { hostOfUrl, readServerUrl } from '../kubeconfig/fetched.ts';

const patienceMs = 5000;

/** Why not; undefined where it answers with a certificate of the cluster for this name. */
export function unreachableFromHere(server: string, ca: string, serverName: string): Promise<string | undefined> {
  const url = readServerUrl(server);
  if (url === undefined) return Promise.resolve('it is not https://HOST:PORT');
  const [host, port] = [hostOfUrl(url), Number(url.port === '' ? 443 : url.port)];
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      ca,
      // An address may not stand in SNI, and is compared all the same.
      servername: isIP(serverName) === 0 ? serverName : '',
      checkServerIdentity: (_, certificate) => checkIdentity(serverName, certificate),
      allowPartialTrustChain: true,
    });
    const end = (found: string | undefined): void => {
      socket.destroy();
      resolve(found);
    };
    socket.setTimeout(patienceMs, () => end(`no answer within ${patienceMs / 1000} s`));
    socket.once('secureConnect', () => end(undefined));
    socket.once('error', (error) => end(error.message));
  });
}
