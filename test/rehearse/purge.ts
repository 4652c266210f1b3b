/** Owns how the bare machine loses its packages: every package of the list, and what came with them, in dpkg's own words. */
import { debianPackages } from '../lab/debian-packages.ts';
import { clonePath } from './bare-machine.ts';

/**
 * The network is shared with a podman that the bare machine's does not know, and each takes the first bridge name that
 * is free when a network is defined, long before the bridge is there: these names are left to the other.
 */
const reserveBridges = `networks=/etc/containers/networks
mkdir -p $networks
for n in $(seq 1 60); do
  cat >$networks/elsewhere$n.json <<X
{"name": "elsewhere$n", "id": "$(printf %064d $n)", "driver": "bridge", "network_interface": "podman$n",
 "created": "2026-01-01T00:00:00Z", "subnets": [{"subnet": "198.18.$n.0/24", "gateway": "198.18.$n.1"}],
 "ipv6_enabled": false, "internal": true, "dns_enabled": false, "ipam_options": {"driver": "host-local"}}
X
done`;

/**
 * The script that purges them and checks that they are gone. What Node, npm and git themselves need stays and is named:
 * these three are people's to install.
 */
export const purgeScript: string = `set -eu
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
[ -e $policy ] || { printf '#!/bin/sh\\nexit 101\\n' >$policy; chmod 755 $policy; made=yes; }
status() { dpkg-query -W -f '\${db:Status-Status}' "$1" 2>/dev/null || :; }
owners=$(for program in node npm git; do dpkg -S "$(command -v $program)" 2>/dev/null || :; done | cut -d: -f1 | sort -u)
[ -z "$owners" ] || apt-mark manual $owners >/dev/null
needed=$([ -z "$owners" ] || apt-cache depends --recurse --installed --important $owners | sed -n 's/^\\([a-z0-9].*\\)/\\1/p')
gone= kept=
for package in ${Object.keys(debianPackages).join(' ')}; do
  [ "$(status $package)" = installed ] || continue
  case " $(echo $needed) " in *" $package "*) kept="$kept $package" ;; *) gone="$gone $package" ;; esac
done
[ -z "$gone" ] || apt-get purge -y -qq --autoremove $gone >/tmp/purge.log 2>&1 || { cat /tmp/purge.log; exit 1; }
for package in ${Object.keys(debianPackages).join(' ')}; do
  case " $kept " in *" $package "*) continue ;; esac
  if dpkg -s "$package" 2>/dev/null | grep -q '^Status: .* installed$'; then echo "$package is still there"; exit 1; fi
done
[ -z "\${made-}" ] || rm $policy
rm -rf /etc/containers /var/lib/cni /var/lib/apt/lists/*
${reserveBridges}
# What comes back is downloaded once: the archives are kept between rehearsals.
rm -f /etc/apt/apt.conf.d/docker-clean
echo 'APT::Keep-Downloaded-Packages "true";' >/etc/apt/apt.conf.d/99keep
echo "purged:\${gone:- nothing}"
echo "not purged, because node, npm or git need them:\${kept:- none}"
for program in podman sshd hyperfine; do ! command -v $program >/dev/null || { echo "$program is still there"; exit 1; }; done
! test -e ${clonePath}/node_modules`;
