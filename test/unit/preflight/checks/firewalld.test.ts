// Firewalld over what firewall-cmd prints: only ports that the running configuration keeps closed are warned of.
import { describe, expect, test } from 'vitest';
import { firewalld } from '../../../../src/preflight/checks/units.ts';
import { parseSurvey } from '../../../../src/preflight/survey-parse.ts';
import { found } from '../fixtures.ts';

/** A zone as `firewall-cmd --list-all-zones` shows it. */
function zone(
  name: string,
  { target = 'default', interfaces = '', services = '', ports = '', rules = '' } = {},
): string {
  return `${name}${interfaces === '' ? '' : ' (active)'}
  target: ${target}
  icmp-block-inversion: no
  interfaces: ${interfaces}
  sources: 
  services: ${services}
  ports: ${ports}
  protocols: 
  forward: yes
  masquerade: no
  forward-ports: 
  source-ports: 
  icmp-blocks: 
  rich rules: 
${rules === '' ? '' : `\t${rules}\n`}`;
}

const host = `at 10.0.0.5
default public
route eth0
2: eth0    inet 10.0.0.4/24 brd 10.0.0.255 scope global eth0\\       valid_lft forever
3: eth1@if7    inet 10.0.0.5/24 brd 10.0.0.255 scope global eth1\\       valid_lft forever
`;

const services = `service ssh
<port protocol="tcp" port="22"/>
service kube-control-plane
<include service="kube-apiserver" />
<include service="kube-control-plane" />
service kube-apiserver
<port port="6443" protocol="tcp"/>
`;

/** What the check says on a host with these zones, and what it advises. */
function told(zones: string, at = host, system = 'rocky'): readonly string[] {
  const text = `
@@kbinit:units
Id=firewalld.service
LoadState=loaded
ActiveState=active
UnitFileState=enabled

@@kbinit:firewalld
${at}
@@kbinit:firewalld-zones
${zones}
@@kbinit:firewalld-services
${services}
@@kbinit:end
`;
  const { units, firewalld: state } = parseSurvey(text) ?? {};
  const facts = { osRelease: { ID: system, VERSION_ID: '9' } };
  const [finding] = firewalld([6443, 10250], '10.0.0.5').run(
    found({ units, ...(state !== undefined && { firewalld: state }) }, facts),
  );
  return finding === undefined ? [] : [finding.text, finding.fix];
}

describe('a zone', () => {
  test.each<[string, Parameters<typeof zone>[1]]>([
    ['the ports', { ports: '6443/tcp 10250/tcp' }],
    ['ranges', { ports: '6000-7000/tcp 10000-20000/tcp' }],
    ['everything by its target', { target: 'ACCEPT' }],
    ['a service that includes another, and a port', { services: 'ssh kube-control-plane', ports: '10250/tcp' }],
    [
      'a rule for some sources',
      {
        ports: '10250/tcp',
        rules: 'rule family="ipv4" source address="10.0.0.0/8" port port="6443" protocol="tcp" accept',
      },
    ],
    [
      'a rule for a service',
      { ports: '10250/tcp', rules: 'rule service name="kube-apiserver" log prefix="drop x" level="info" accept' },
    ],
  ])('that lets in %s is not warned of', (_, more) => {
    expect(told(zone('internal', { interfaces: 'eth1', ...more }) + zone('public', { interfaces: 'eth0' }))).toEqual(
      [],
    );
  });

  test.each<[string, string, Parameters<typeof zone>[1]]>([
    ['one port', 'port 6443', { ports: '10250/tcp' }],
    ['UDP alone', 'ports 6443, 10250', { ports: '6443/udp 10250/udp' }],
    ['other services', 'ports 6443, 10250', { services: 'ssh' }],
    ['nothing by its target', 'ports 6443, 10250', { target: 'DROP' }],
    [
      'a port that a rule rejects',
      'port 6443',
      { ports: '6443/tcp 10250/tcp', rules: 'rule port port="6443" protocol="tcp" reject' },
    ],
    [
      'a port that is forwarded away',
      'port 6443',
      { ports: '10250/tcp', rules: 'rule family="ipv4" forward-port port="6443" protocol="tcp" to-port="443"' },
    ],
  ])('that lets in %s is warned of by the ports that are closed', (_, ports, more) => {
    const [text] = told(zone('internal', { interfaces: 'eth1', ...more }) + zone('public', { ports: '6443/tcp' }));
    expect(text).toBe(`firewalld is active, and its zone internal does not let in ${ports}`);
  });
});

test('the default zone counts where no zone has the interface, and that of the default route where no address is asked about', () => {
  expect(told(zone('public', { ports: '6443/tcp 10250/tcp' }))).toEqual([]);
  const zones = zone('home', { interfaces: 'eth0', ports: '6443/tcp 10250/tcp' }) + zone('public');
  expect(told(zones, host.replace('at 10.0.0.5', 'at '))).toEqual([]);
  expect(told(zones)[0]).toContain('its zone public');
});

test('the advice opens now and for the next boot, without a reload, and names what can do it', () => {
  const command =
    'firewall-cmd --permanent --zone=public --add-port=6443/tcp && firewall-cmd --zone=public --add-port=6443/tcp';
  const zones = zone('public', { ports: '10250/tcp' });
  expect(told(zones)[1]).toBe(`\`${command}\`, or run \`kbinit host prepare --role control-plane\``);
  expect(told(zones, host, 'arch')[1]).toBe(`\`${command}\``);
});

test('a firewalld that does not answer is warned of with every port', () => {
  expect(told('')).toEqual([
    'firewalld is active and its open ports could not be read; ports 6443, 10250 must be open',
    expect.not.stringContaining('--reload'),
  ]);
});
