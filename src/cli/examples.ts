// Examples that help shows, by the path of their command; a test reads every one with the command tree.

/** The command lines of each command, without comments: they say by their flags what they are for. */
export const examples: Readonly<Record<string, readonly string[]>> = {
  kbinit: [
    'kbinit preflight --control-plane-host root@10.0.0.11 --host root@10.0.0.21',
    'kbinit init --host root@10.0.0.11 --cni flannel --pod-network-cidr 10.244.0.0/16',
    'kbinit join 10.0.0.11:6443 --token-file token --discovery-token-ca-cert-hash sha256:… --host root@10.0.0.21',
  ],
  init: [
    'kbinit init --host root@10.0.0.11 --control-plane-endpoint api.example:6443 --upload-certs',
    'kbinit init --host root@10.0.0.11 --config cluster.yaml --dry-run',
    'kbinit init phase certs all --host root@10.0.0.11',
  ],
  join: [
    'kbinit join api.example:6443 --token-file token --discovery-token-ca-cert-hash sha256:… --host root@10.0.0.21 --host root@10.0.0.22',
    'kbinit join api.example:6443 --token-file token --discovery-token-ca-cert-hash sha256:… --control-plane --copy-certs-from root@10.0.0.11 --host root@10.0.0.12',
  ],
  reset: ['kbinit reset --host root@10.0.0.21', 'kbinit reset --host root@10.0.0.21 --host-changes --force'],
  preflight: [
    'kbinit preflight --control-plane-host root@10.0.0.11 --host root@10.0.0.21 --host root@10.0.0.22',
    'kbinit preflight -o json',
  ],
  host: ['kbinit host prepare --host root@10.0.0.11 --role control-plane', 'kbinit host restore --host root@10.0.0.11'],
  'host prepare': [
    'kbinit host prepare --host root@10.0.0.11 --role control-plane --dry-run',
    'kbinit host prepare --host root@10.0.0.21 --host root@10.0.0.22 --kubernetes-version v1.36.3',
    'kbinit host prepare --host root@10.0.0.21 --offline ./bundle',
  ],
  'host restore': ['kbinit host restore --host root@10.0.0.21 --dry-run'],
  bundle: ['kbinit bundle create --output ./bundle --kubernetes-version v1.36.3', 'kbinit bundle verify ./bundle'],
  'bundle create': [
    'kbinit bundle create --output ./bundle --images ./images --packages el9=./rpms',
    'kbinit bundle create --output ./bundle --host root@10.0.0.11 --pull',
  ],
  'bundle verify': ['kbinit bundle verify ./bundle'],
  addon: ['kbinit addon apply flannel --host root@10.0.0.11'],
  'addon apply flannel': [
    'kbinit addon apply flannel --host root@10.0.0.11 --pod-network-cidr 10.244.0.0/16',
    'kbinit addon apply flannel --print-manifest',
  ],
  lb: ['kbinit lb apply --host root@10.0.0.5 --backend 10.0.0.11 --backend 10.0.0.12 --backend 10.0.0.13'],
  'lb apply': [
    'kbinit lb apply --host root@10.0.0.5 --backend 10.0.0.11 --backend 10.0.0.12 --backend 10.0.0.13',
    'kbinit lb apply --host root@10.0.0.5 --backend 10.0.0.11 --vip 10.0.0.100 --peer 10.0.0.6',
  ],
  etcd: [
    'kbinit etcd status --host root@10.0.0.11',
    'kbinit etcd init --host root@10.0.0.31 --host root@10.0.0.32 --host root@10.0.0.33 --client root@10.0.0.11',
  ],
  'etcd init': [
    'kbinit etcd init --host root@10.0.0.31 --host root@10.0.0.32 --host root@10.0.0.33 --client root@10.0.0.11',
    'kbinit etcd init --host root@10.0.0.31 --etcd-binary ./etcd --etcdctl-binary ./etcdctl --dry-run',
  ],
  node: ['kbinit node remove node1 --host root@10.0.0.11'],
  'node remove': [
    'kbinit node remove node1 --host root@10.0.0.11',
    'kbinit node remove master3 --host root@10.0.0.11 --timeout 10m --delete-emptydir-data',
  ],
  ssh: ['kbinit ssh scan 10.0.0.11 10.0.0.21'],
  certs: ['kbinit certs check-expiration --host root@10.0.0.11', 'kbinit certs renew all --host root@10.0.0.11'],
  'certs check-expiration': ['kbinit certs check-expiration --host root@10.0.0.11 -o json'],
  'certs renew': [
    'kbinit certs renew all --host root@10.0.0.11 --dry-run',
    'kbinit certs renew apiserver --host root@10.0.0.11',
  ],
  'certs generate-csr': ['kbinit certs generate-csr --cert-dir ./pki --kubeconfig-dir ./kubeconfigs'],
  kubeconfig: [
    'kbinit kubeconfig get --host root@10.0.0.11 -o admin.conf',
    'kbinit kubeconfig user --client-name ann --org dev --host root@10.0.0.11',
  ],
  'kubeconfig get': ['kbinit kubeconfig get --host root@10.0.0.11 --server https://api.example:6443 -o admin.conf'],
  'kubeconfig user': [
    'kbinit kubeconfig user --client-name ann --org dev --validity-period 720h --host root@10.0.0.11',
  ],
  config: [
    'kbinit config print init-defaults',
    'kbinit config validate --config cluster.yaml',
    'kbinit config images list --config cluster.yaml',
  ],
  'config migrate': ['kbinit config migrate --old-config old.yaml --new-config new.yaml'],
  'config validate': ['kbinit config validate --config cluster.yaml'],
  'config images': [
    'kbinit config images list --kubernetes-version v1.36.3',
    'kbinit config images pull --host root@10.0.0.11',
  ],
  token: ['kbinit token create --print-join-command --host root@10.0.0.11', 'kbinit token list --host root@10.0.0.11'],
  'token create': [
    'kbinit token create --print-join-command --host root@10.0.0.11',
    'kbinit token create --ttl 2h --description "node21" --host root@10.0.0.11',
  ],
  'token list': ['kbinit token list --host root@10.0.0.11 -o json'],
  'token delete': ['kbinit token delete abcdef --host root@10.0.0.11'],
  version: ['kbinit version -o json'],
  completion: ['kbinit completion bash > /etc/bash_completion.d/kbinit'],
};
