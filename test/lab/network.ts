/** Owns a lab's network: a bridge of its own, and the one FORWARD rule that keeps its traffic on the machine. */
import { inspectNetwork, labels, type Network } from './podman.ts';
import { mustRun, run } from './run.ts';
import { gatewayOf } from './topology.ts';

/** The name of a lab's network. */
export function networkName(prefix: string): string {
  return `kbinit-${prefix}`;
}

/** Makes network and rule where they are missing. */
export async function ensureNetwork(prefix: string, subnet: string): Promise<void> {
  const found = await inspectNetwork(networkName(prefix));
  const network = found?.subnet === subnet && found.prefix === prefix ? found : await remake(prefix, subnet, found);
  await ensureRule(prefix, network.bridge);
}

/** Removes network and rule where they are there. */
export async function removeNetwork(prefix: string): Promise<void> {
  const network = await inspectNetwork(networkName(prefix));
  if (network?.prefix === prefix) await mustRun('podman', ['network', 'rm', networkName(prefix)]);
  await removeRules(await rulesOf(prefix));
}

async function remake(prefix: string, subnet: string, found: Network | undefined): Promise<Network> {
  const name = networkName(prefix);
  if (found !== undefined && found.prefix !== prefix) {
    throw new Error(`the network ${name} is there and is not the lab's: choose another --prefix`);
  }
  if (found !== undefined) await mustRun('podman', ['network', 'rm', name]);
  const address = ['--subnet', subnet, '--gateway', gatewayOf(subnet)];
  const label = ['--label', `${labels.lab}=${prefix}`];
  const create = ['network', 'create', '--internal', '--disable-dns', ...address, ...label, name];
  const { code, stderr } = await run('podman', create);
  const problem = stderr.includes('is already used')
    ? `${subnet} is in use here, choose another --subnet`
    : stderr.trim();
  if (code !== 0) throw new Error(`podman cannot make the network ${name}: ${problem}`);
  const made = await inspectNetwork(name);
  if (made === undefined) throw new Error(`podman made the network ${name} and does not have it`);
  return made;
}

async function ensureRule(prefix: string, bridge: string): Promise<void> {
  const rules = await rulesOf(prefix);
  // What comes from the lab's bridge goes back into it or nowhere. Answers from elsewhere die with their questions.
  const comment = ['-m', 'comment', '--comment', commentOf(prefix)];
  const wanted = ['FORWARD', '-i', bridge, '!', '-o', bridge, ...comment, '-j', 'DROP'];
  if (rules.length === 1 && rules[0]?.join(' ') === wanted.join(' ')) return;
  await mustRun('iptables', ['-w', '-I', ...wanted]);
  await removeRules(rules);
}

async function removeRules(rules: readonly (readonly string[])[]): Promise<void> {
  for (const rule of rules) await run('iptables', ['-w', '-D', ...rule]);
}

/** The lab's rules as arguments: known by their comment, whatever bridge they name. */
async function rulesOf(prefix: string): Promise<string[][]> {
  const listing = await mustRun('iptables', ['-w', '-S', 'FORWARD']);
  const rules = listing.split('\n').map((line) => line.replaceAll('"', '').split(' ').slice(1));
  return rules.filter((words) => words[words.indexOf('--comment') + 1] === commentOf(prefix));
}

// Without blanks: a listed rule is split at them.
function commentOf(prefix: string): string {
  return `kbinit-lab:${prefix}`;
}
