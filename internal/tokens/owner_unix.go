//go:build unix

package tokens

import (
	"os"
	"syscall"
)

// giveTo gives a file to the owner of a folder, so that root can make keys for a service that runs as somebody else.
func giveTo(file, folder string) error {
	info, err := os.Stat(folder)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || int(owner.Uid) == os.Geteuid() {
		return nil
	}
	return os.Chown(file, int(owner.Uid), int(owner.Gid))
}
