// The flannel CNI plugin, from the last release of the CNI plugins that still has it.
module kbinit.lab/cni-flannel

go 1.21

require github.com/containernetworking/plugins v0.9.1

require github.com/containernetworking/cni v0.8.1 // indirect

tool github.com/containernetworking/plugins/plugins/meta/flannel
