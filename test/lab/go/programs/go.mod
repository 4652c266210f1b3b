// Programs of the lab's own: what a pod sandbox runs, and what tests run in Pods.
module kbinit.lab/programs

go 1.24.0
