// Looks at many hosts at once, each by itself and beside the others; nothing is changed and nobody is waited for long.
import type { HostView } from '../host/host.ts';
import type { Check, CheckResult, Found } from './check.ts';
import { clockSkewName } from './checks/clock.ts';
import {
  fleetCheckNames,
  fleetFindings,
  fleetQuestions,
  ownClock,
  type FleetFinding,
  type FleetHost,
  type Role,
} from './fleet.ts';
import { reachFindings, reachName, tryWay, wantedWays } from './reach.ts';
import type { HostReport } from './report.ts';
import { askFor, judgeBatches, resultsOf, type Batches } from './run.ts';

/** A host to look at, and what it is to become. */
export interface Candidate {
  readonly host: string;
  readonly role: Role;
  readonly nodeName: string;
  readonly address: string;
  readonly view: HostView;
  readonly batches: Batches;
}

export interface Inspection {
  readonly ignore: readonly string[];
  readonly apiPort: number;
  readonly hasLocalEtcd: boolean;
}

interface Seen {
  readonly candidate: Candidate;
  readonly found: Found;
}

/** Every host by itself: one round trip. */
export async function lookAt(candidate: Candidate): Promise<Seen> {
  const { view, batches } = candidate;
  const across: Check = { name: '', asks: fleetQuestions, run: () => [] };
  return { candidate, found: await askFor(view, [...batches, [across]]) };
}

/** What became of every check, of each host and between them. */
export async function inspect(all: readonly Seen[], run: Inspection): Promise<readonly HostReport[]> {
  const across = all.length < 2 ? undefined : await compare(all, run);
  const reports = all.map(({ candidate: { host, batches }, found }) => {
    const own = judgeBatches(batches, found, run);
    if (across === undefined) return { host, results: own };
    // Several clocks are held against each other.
    return { host, results: [...own.filter(({ name }) => name !== clockSkewName), ...across(host)] };
  });
  const off = ownClock(all.map(asFleetHost));
  return off === undefined ? reports : [...reports, { host: thisMachine, results: resultsOf([], [off], run) }];
}

/** Where kbinit runs is a host of the report when its clock is the one that is off. */
const thisMachine = 'this machine';

function asFleetHost({ candidate, found }: Seen): FleetHost {
  return { ...candidate, ...found };
}

async function compare(all: readonly Seen[], run: Inspection): Promise<(host: string) => readonly CheckResult[]> {
  const hosts = all.map(asFleetHost);
  const tried = await tryAll(all, run);
  const findings: readonly FleetFinding[] = [...fleetFindings(hosts), ...reachFindings(tried)];
  return (host) => {
    const ports = new Set(tried.filter(({ way }) => way.to === host).map(({ way }) => way.port));
    const names = [...fleetCheckNames, ...[...ports].map(reachName)];
    const own = findings.flatMap((one) => (one.host === host ? [one.finding] : []));
    return resultsOf(
      names.map((name) => ({ name })),
      own,
      run,
    );
  };
}

async function tryAll(all: readonly Seen[], run: Inspection): Promise<Parameters<typeof reachFindings>[0]> {
  const views = new Map(all.map(({ candidate }) => [candidate.host, candidate.view]));
  const ways = wantedWays(
    all.map(({ candidate }) => candidate),
    run,
  );
  return Promise.all(
    ways.map(async (way) => {
      const view = views.get(way.from);
      return { way, result: view === undefined ? 'unknown' : await tryWay(view, way) };
    }),
  );
}
