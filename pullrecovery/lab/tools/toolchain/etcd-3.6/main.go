// Command etcd is the etcd server, built from its module: upstream keeps its
// own main package in a repository root that has no importable version.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
