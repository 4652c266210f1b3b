// Load balancer, phase preflight: the port is haproxy's or free, the address is the host's, the files may be replaced.
import { KbError, type Problem } from '../../errors.ts';
import { haproxyPath } from '../../manifests/haproxy.ts';
import { keepalivedPath } from '../../manifests/keepalived.ts';
import { error, type Check } from '../../preflight/check.ts';
import { isPrivilegedUser } from '../../preflight/checks/privileged-user.ts';
import { portAvailable } from '../../preflight/checks/port.ts';
import { runChecks } from '../../preflight/run.ts';
import { formatIp, isUnspecified, parseIp } from '../../util/net.ts';
import type { Phase } from '../../workflow/phase.ts';
import type { LbContext } from './context.ts';
import { findFile, type ServiceFile } from './ownership-marker.ts';

export const lbPreflight: Phase<LbContext> = {
  name: 'preflight',
  summary: 'Check the host',
  run: check,
};

async function check(ctx: LbContext): Promise<void> {
  const { port, failover } = ctx.spec.balancer;
  await runChecks({
    host: ctx.host,
    reporter: ctx.reporter,
    batches: [
      [isPrivilegedUser],
      [ownPort(port), bindAddress(ctx), ...(failover === undefined ? [] : [failoverInterface(ctx)])],
    ],
    ignore: [...ctx.ignorePreflightErrors],
  });
  const files: readonly ServiceFile[] = [
    { service: 'haproxy', path: haproxyPath },
    ...(failover === undefined ? [] : [{ service: 'keepalived' as const, path: keepalivedPath }]),
  ];
  const problems = (await Promise.all(files.map((file) => problemsOf(ctx, file)))).flat();
  if (problems.length > 0) throw new KbError(problems);
}

/** A second run finds haproxy there itself. */
function ownPort(port: number): Check {
  const free = portAvailable(port, 'haproxy');
  return {
    ...free,
    run: (found) => (found.survey.listeners.get(port)?.command === 'haproxy' ? [] : free.run(found)),
  };
}

/** haproxy cannot listen on an address that the host does not have. */
function bindAddress({ spec: { balancer } }: LbContext): Check {
  const name = 'BindAddress';
  return {
    name,
    run: ({ facts }) => {
      const ip = parseIp(balancer.bind);
      if (ip === undefined || isUnspecified(ip) || balancer.bind === balancer.failover?.address) return [];
      const own = facts.addresses.flatMap(({ address }) => parseIp(address) ?? []).map(formatIp);
      if (own.includes(balancer.bind)) return [];
      return [error(name, `the host has no address ${balancer.bind}, it has ${own.join(', ')}`, 'correct --bind')];
    },
  };
}

function failoverInterface({ spec: { balancer } }: LbContext): Check {
  const name = 'Interface';
  return {
    name,
    run: ({ facts }) => {
      const own = new Set(facts.addresses.map((address) => address.interface));
      const wanted = balancer.failover?.interface ?? '';
      if (own.has(wanted)) return [];
      return [
        error(
          name,
          `the host has no interface ${wanted} with an address, it has ${[...own].join(', ')}`,
          'correct --interface',
        ),
      ];
    },
  };
}

async function problemsOf(ctx: LbContext, file: ServiceFile): Promise<readonly Problem[]> {
  try {
    await findFile(ctx, file);
    return [];
  } catch (cause) {
    if (cause instanceof KbError) return cause.problems;
    throw cause;
  }
}
