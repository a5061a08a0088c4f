package test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

const goExample = "../examples/go/README.md"

// TestGoExample builds the two programs of examples/go and plays the requests of their README.
func TestGoExample(t *testing.T) {
	needs(t, "curl")
	needs(t, "openssl")
	folder := t.TempDir()
	private, public := testenv.RSAKeys(t)
	for name, text := range map[string]string{"private.pem": private, "public.pem": public} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("go", "build", "-o", folder, "latchkey/examples/go/shop", "latchkey/examples/go/orders").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	shopAddress, ordersAddress := freeAddress(t), freeAddress(t)
	command := func(address, name string, args ...string) *program {
		cmd := exec.Command(filepath.Join(folder, name), append(args, "-listen", address)...)
		cmd.Dir, cmd.Env = folder, environment()
		return start(t, cmd, "http://"+address)
	}
	shop := command(shopAddress, "shop", "-config", absolute(t, "../examples/go/latchkey.yaml"))
	shop.ready()
	orders := command(ordersAddress, "orders", "-keys", "http://"+shopAddress+"/.well-known/jwks.json")
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if answer, err := http.Get(orders.base + "/orders"); err == nil {
			answer.Body.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatal("orders did not get ready")
		}
	}
	r := open(t, goExample, "")
	r.program, r.also = shop, []string{"127.0.0.1:8001", ordersAddress}
	r.play()
	for end := time.Now().Add(time.Minute); !strings.Contains(shop.log.String(), "a coupon for ann@example.com"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the shop was not told that ann is there")
		}
	}
	if err := shop.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case <-shop.gone:
	case <-time.After(30 * time.Second):
		t.Fatal("the shop did not stop")
	}
	if code := shop.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the shop left with %d", code)
	}
}
