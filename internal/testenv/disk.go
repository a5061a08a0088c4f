package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// SmallDisk is a folder on a file system of its own with room for size, as 4m, that a test may fill; it goes with the test. It belongs to whom NewPostgres runs as. Only root may make
// one, by itself or by a sudo that asks nothing: elsewhere the test is skipped, but fails if CI is set.
func SmallDisk(tb testing.TB, size string) string {
	tb.Helper()
	folder, err := os.MkdirTemp("", "latchkey-disk-")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.Remove(folder); err != nil {
			tb.Error(err)
		}
	})
	owner := os.Geteuid()
	if as, err := unprivileged(); err == nil && as != nil {
		owner = int(as.Uid)
	}
	if output, err := asRoot("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%s,mode=700,uid=%d", size, owner), "latchkey-test", folder); err != nil {
		const notice = "this test needs a small disk, which only root may mount: %v: %s"
		if os.Getenv("CI") != "" {
			tb.Fatalf(notice, err, output)
		}
		tb.Skipf(notice, err, output)
	}
	tb.Cleanup(func() {
		if output, err := asRoot("umount", "-l", folder); err != nil { // a server that ends may have it open for a moment yet
			tb.Errorf("%v: %s", err, output)
		}
	})
	return folder
}

func asRoot(command ...string) (output []byte, err error) {
	if os.Geteuid() != 0 {
		command = append([]string{"sudo", "-n"}, command...)
	}
	return exec.Command(command[0], command[1:]...).CombinedOutput()
}
