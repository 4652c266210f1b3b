// Hostname: the node's name is well-formed and resolves.
import { warning, type Check, type Finding } from '../check.ts';

const name = 'Hostname';

/** A Kubernetes qualified name without prefix: 63 characters, alphanumeric at both ends. */
const qualifiedName = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** Warnings only (spec 03 §4 #9). */
export function hostname(nodeName: string): Check {
  return {
    name,
    asks: { lookups: [nodeName] },
    run({ survey }): readonly Finding[] {
      const findings: Finding[] = [];
      if (!qualifiedName.test(nodeName)) {
        findings.push(
          warning(name, `"${nodeName}" is not a well-formed node name`, 'set another one with --node-name'),
        );
      }
      if ((survey.lookups.get(nodeName)?.addresses.length ?? 0) === 0) {
        findings.push(
          warning(
            name,
            `"${nodeName}" does not resolve to an address on the host`,
            `add ${nodeName} to /etc/hosts or DNS`,
          ),
        );
      }
      return findings;
    },
  };
}
