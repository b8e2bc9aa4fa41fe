// etcd as its own program starts it. Its module cannot be installed by name: it replaces parts of
// itself by folders beside it, which Go refuses in what is only fetched.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
