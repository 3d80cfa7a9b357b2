// Command registry is CNCF distribution with the file system as its only
// storage: the cloud storages of the full set bring most of what would have to
// be compiled, and the lab uses none of them.
package main

import (
	"os"

	"github.com/distribution/distribution/v3/registry"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
)

func main() {
	if err := registry.RootCmd.Execute(); err != nil {
		os.Exit(1)
	}
}
