package testenv

import (
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Redis starts a Redis server of its own for a test and gives its address, redis://…; stop ends it, and start starts it again, empty, at the same address.
// Without redis-server the test is skipped, but in CI it fails.
func Redis(t testing.TB) (address string, stop, start func()) {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("redis-server is missing: install the package redis-server")
		}
		t.Skip("redis-server is not installed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	var running *exec.Cmd
	stop = func() {
		if running != nil {
			_ = running.Process.Kill()
			_ = running.Wait()
			running = nil
		}
	}
	start = func() {
		running = exec.Command(path, "--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", t.TempDir())
		if err := running.Start(); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			if c, err := net.Dial("tcp", net.JoinHostPort(host, port)); err == nil {
				c.Close()
				return
			}
		}
		t.Fatal("redis-server did not get ready")
	}
	start()
	t.Cleanup(stop)
	return "redis://" + net.JoinHostPort(host, port) + "/0", stop, start
}
