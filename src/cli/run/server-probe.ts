// Whether an API server can be reached from the machine that runs kbinit, and is the cluster's.
import { connect } from 'node:net';
import { hostOfUrl, readServerUrl } from '../../kubeconfig/fetched.ts';
import { openTls } from '../../util/tls.ts';

const patienceMs = 5000;

/** Why not; undefined where it answers with a certificate of the cluster for this name. */
export function unreachableFromHere(server: string, ca: string, serverName: string): Promise<string | undefined> {
  const url = readServerUrl(server);
  if (url === undefined) return Promise.resolve('it is not https://HOST:PORT');
  const [host, port] = [hostOfUrl(url), Number(url.port === '' ? 443 : url.port)];
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (found: string | undefined): void => {
      socket.destroy();
      resolve(found);
    };
    const failed = (error: Error): void => end(error.message);
    socket.setTimeout(patienceMs, () => end(`no answer within ${patienceMs / 1000} s`));
    socket.on('error', failed);
    socket.once('connect', () => {
      const secure = openTls(socket, { name: serverName, ca });
      secure.once('secureConnect', () => end(undefined));
      secure.on('error', failed);
    });
  });
}
