// What hosts are told beside each other: who looks like another, whose clock is off.
import { describe, expect, test } from 'vitest';
import { fleetFindings, ownClock, type FleetHost } from '../../../src/preflight/fleet.ts';
import { plainFacts } from '../../fakes/host.ts';
import { goodSurvey } from './fixtures.ts';

interface Changes {
  readonly machineId?: string;
  readonly mac?: string;
  readonly address?: string;
  readonly nodeName?: string;
  readonly uuid?: string;
  readonly offset?: number;
}

/** Hosts that differ in everything, but for what a test says. */
function host(number: number, changes: Changes = {}): FleetHost {
  const address = changes.address ?? `10.0.0.${number}`;
  const { machineId = `id-${number}`, mac = `52:54:00:00:00:0${number}`, uuid, offset = 0 } = changes;
  return {
    host: `host${number}`,
    role: 'worker',
    nodeName: changes.nodeName ?? `node${number}`,
    address,
    facts: {
      ...plainFacts,
      machineId,
      addresses: [{ interface: 'eth0', family: 4, address, prefixLength: 24, isUp: true }],
      clock: { host: 1000 + offset, local: 1000 },
    },
    survey: {
      links: [
        { name: 'eth0', mac },
        { name: 'cali0', mac: 'ee:ee:ee:ee:ee:ee' },
      ],
      texts: uuid === undefined ? goodSurvey.texts : new Map([['/sys/class/dmi/id/product_uuid', uuid]]),
    },
  };
}

const told = (...hosts: readonly FleetHost[]): readonly string[] =>
  fleetFindings(hosts).map(({ host: at, finding }) => `${at} ${finding.level} ${finding.name}`);

test('hosts that differ have nothing to tell, whatever their containers look like', () => {
  expect(told(host(1), host(2), host(3))).toEqual([]);
});

describe('two hosts', () => {
  test.each<[string, Changes, string]>([
    ['UniqueNodeName', { nodeName: 'node1' }, 'error'],
    ['UniqueMachineID', { machineId: 'id-1' }, 'error'],
    ['UniqueMAC', { mac: '52:54:00:00:00:01' }, 'error'],
    ['UniqueAddress', { address: '10.0.0.1' }, 'error'],
  ])('that share what %s looks at are both told, and the third is not', (name, changes, level) => {
    expect(told(host(1), host(2, changes), host(3))).toEqual([`host1 ${level} ${name}`, `host2 ${level} ${name}`]);
  });

  test('with one product_uuid are only warned, without one nothing is said', () => {
    const uuid = '4C4C4544-0000-0000-0000-000000000000\n';
    expect(told(host(1, { uuid }), host(2, { uuid: uuid.toLowerCase() }))).toEqual([
      'host1 warning UniqueProductUUID',
      'host2 warning UniqueProductUUID',
    ]);
    expect(told(host(1, { uuid: '' }), host(2, { uuid: '' }))).toEqual([]);
  });

  test('without a machine-id are not the same machine', () => {
    expect(told(host(1, { machineId: '' }), host(2, { machineId: '' }))).toEqual([]);
  });

  test('are told whom they share it with', () => {
    const [finding] = fleetFindings([host(1), host(2, { machineId: 'id-1' }), host(3, { machineId: 'id-1' })]);
    expect(finding?.finding.text).toBe('host2, host3 has the same machine-id id-1');
  });
});

describe('clocks', () => {
  test.each([
    [30, []],
    [31, ['host3 error ClockSkew']],
    [-31, ['host3 error ClockSkew']],
    [31_536_000, ['host3 error ClockSkew']],
  ])('one that is %i seconds off among three: %o', (offset, expected) => {
    expect(told(host(1), host(2), host(3, { offset }))).toEqual(expected);
  });

  test('a machine of ours that is off is not the measure of hosts that agree', () => {
    const agreeing = [host(1, { offset: 600 }), host(2, { offset: 600 }), host(3, { offset: 601 })];
    expect(told(...agreeing)).toEqual([]);
    expect(ownClock(agreeing)?.text).toBe('its clock is 600 seconds behind that of the hosts');
    expect(ownClock([host(1), host(2), host(3, { offset: 600 })])).toBeUndefined();
  });

  test('of two hosts the one that disagrees with this machine is told', () => {
    expect(told(host(1), host(2, { offset: -40 }))).toEqual(['host2 error ClockSkew']);
    expect(fleetFindings([host(1), host(2, { offset: -40 })])[0]?.finding.text).toBe(
      'its clock is 40 seconds behind most others',
    );
  });
});
