// FakeEtcd: a cluster of literal members. Members that are down answer no endpoint; without a quorum nothing changes.
import type { EtcdApi, EtcdCredentials, EtcdMember, EtcdOpener, EtcdStatus } from '../../src/cluster/types.ts';

export interface FakeMember {
  readonly id: string;
  /** '' for one that has not started. */
  readonly name: string;
  readonly address: string;
  readonly isLearner?: boolean;
  readonly isDown?: boolean;
  /** What its status says, beside what follows from the others. */
  readonly errors?: readonly string[];
}

export class FakeEtcd implements EtcdOpener {
  members: readonly FakeMember[];
  /** Ids in the order of their removal. */
  readonly removed: string[] = [];
  /** What was done to the members, in words and in order. */
  readonly changes: string[] = [];
  /** Endpoints of every client that was opened. */
  readonly opened: (readonly string[])[] = [];
  /** What a removal says instead of being done. */
  refusal: string | undefined;
  readonly #loopback: string | undefined;

  /** `loopback` is the address whose member also listens on 127.0.0.1: the host that the code under test is on. */
  constructor(members: readonly FakeMember[], loopback?: string) {
    this.members = members;
    this.#loopback = loopback;
  }

  open(credentials: EtcdCredentials): EtcdApi {
    this.opened.push(credentials.endpoints);
    const any = (): FakeMember => {
      const found = credentials.endpoints.map((endpoint) => this.#at(endpoint)).find((member) => member !== undefined);
      if (found === undefined) throw new Error(credentials.endpoints.map((one) => `${one}: ECONNREFUSED`).join('; '));
      return found;
    };
    return {
      members: async () => {
        any();
        return this.members.map(asMember);
      },
      addLearner: async (peerUrl) => {
        any();
        if (this.members.some(({ isLearner }) => isLearner)) {
          throw new Error('etcd answered 400: etcdserver: too many learner members in cluster');
        }
        const added: FakeMember = { id: '77', name: '', address: new URL(peerUrl).hostname, isLearner: true };
        this.members = [...this.members, added];
        this.changes.push(`add learner ${added.address}`);
        return asMember(added);
      },
      promote: async (id) => {
        any();
        const found = this.members.find((member) => member.id === id);
        if (found === undefined || found.name === '') {
          throw new Error(
            'etcd answered 412: etcdserver: can only promote a learner member which is in sync with leader',
          );
        }
        this.members = this.members.map((member) => (member === found ? { ...found, isLearner: false } : member));
        this.changes.push(`promote ${found.address}`);
      },
      remove: async (id) => {
        any();
        if (this.refusal !== undefined) throw new Error(this.refusal);
        if (!this.#hasQuorum()) throw new Error('etcd answered 503: etcdserver: no leader');
        this.removed.push(id);
        this.changes.push(`remove ${this.members.find((member) => member.id === id)?.address ?? id}`);
        this.members = this.members.filter((member) => member.id !== id);
      },
      status: async (endpoint) => {
        const member = this.#at(endpoint);
        if (member === undefined) throw new Error('connect ECONNREFUSED');
        return this.#status(member);
      },
    };
  }

  #at(endpoint: string): FakeMember | undefined {
    const { hostname } = new URL(endpoint);
    const address = hostname === '127.0.0.1' ? this.#loopback : hostname;
    return this.members.find((member) => member.address === address && member.isDown !== true && member.name !== '');
  }

  #hasQuorum(): boolean {
    const voters = this.members.filter(({ isLearner }) => isLearner !== true);
    const up = voters.filter(({ isDown, name }) => isDown !== true && name !== '');
    return up.length > voters.length / 2;
  }

  #status({ id, isLearner, errors }: FakeMember): EtcdStatus {
    const leader = this.members.find((member) => member.isDown !== true && member.isLearner !== true);
    return {
      memberId: id,
      version: '3.6.8',
      dbSizeBytes: 3_100_000,
      leaderId: this.#hasQuorum() ? (leader?.id ?? '0') : '0',
      isLearner: isLearner === true,
      raftTerm: '2',
      raftIndex: '100',
      raftAppliedIndex: '100',
      errors: errors ?? [],
    };
  }
}

function asMember({ id, name, address, isLearner }: FakeMember): EtcdMember {
  return {
    id,
    name,
    peerUrls: [`https://${address}:2380`],
    clientUrls: name === '' ? [] : [`https://${address}:2379`],
    isLearner: isLearner === true,
  };
}

/** Three members as the house's cluster has them. */
export const three: readonly FakeMember[] = [
  { id: '10276657743932975437', name: 'master1', address: '192.168.3.29' },
  { id: '2', name: 'master2', address: '192.168.3.30' },
  { id: '3', name: 'master3', address: '192.168.3.31' },
];
