package test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"debug/elf"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// needs finds a program that a test cannot do without: where it is not there, the test is skipped, but fails if CI is set.
func needs(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	t.Skipf("this test needs %s", name)
	return ""
}

// TestUnit has systemd look at the unit file.
func TestUnit(t *testing.T) {
	analyze := needs(t, "systemd-analyze")
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	unit := strings.ReplaceAll(string(readFile(t, "../deploy/latchkey.service")), "/usr/local/bin/latchkey", program)
	path := filepath.Join(t.TempDir(), "latchkey.service")
	if err := os.WriteFile(path, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// A container file's instructions, in order.
type instruction struct{ name, rest string }

func containerFile(t *testing.T) (build, image []instruction) {
	t.Helper()
	text := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(string(readFile(t, "../deploy/Containerfile")), "")
	stages := 0
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", "")) {
		name, rest, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		if name == "FROM" {
			stages++
		}
		if i := (instruction{name, strings.TrimSpace(rest)}); stages == 1 {
			build = append(build, i)
		} else {
			image = append(image, i)
		}
	}
	return build, image
}

// mostBytes is how large the program may be as it is given out: 30 MB, as bench/ wants it too.
const mostBytes = 30_000_000

// TestContainer does what the container file says, without a container: it builds the program and its folder by the same commands, and runs it there as the same
// user, with nothing else in sight.
func TestContainer(t *testing.T) {
	building, image := containerFile(t)
	if want := "golang:" + regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(readFile(t, "../go.mod")))[1] + " AS build"; building[0].rest != want {
		t.Errorf("it builds from %s, and go.mod wants %s", building[0].rest, want)
	}
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	user := "65532:65532"
	if os.Geteuid() != 0 {
		user = fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid())
	}
	for _, i := range building {
		if i.name != "RUN" || i.rest == "go mod download" {
			continue
		}
		run := exec.Command("sh", "-ec", strings.NewReplacer("/image", root, "65532:65532", user).Replace(i.rest))
		run.Dir = ".."
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", i.rest, err, out)
		}
	}
	program, err := elf.Open(filepath.Join(root, "latchkey"))
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if slices.ContainsFunc(program.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Error("the program wants libraries")
	}
	if info, err := os.Stat(filepath.Join(root, "latchkey")); err != nil || info.Size() > mostBytes {
		t.Errorf("the program has %d bytes, more than %d: a dependency may bring much along for little (%v)", info.Size(), mostBytes, err)
	}

	c := &container{t: t, root: root}
	var entry, command, health []string
	for _, i := range image {
		words := func(text string) (list []string) {
			t.Helper()
			if err := json.Unmarshal([]byte(text), &list); err != nil {
				t.Fatalf("%s: %v", i.rest, err)
			}
			return list
		}
		switch i.name {
		case "FROM":
			if i.rest != "scratch" {
				t.Errorf("the image is made from %s", i.rest)
			}
		case "USER":
			if i.rest != "65532:65532" {
				t.Errorf("it runs as %s", i.rest)
			}
		case "WORKDIR":
			c.folder = i.rest
		case "ENV":
			c.env = append(c.env, i.rest)
		case "ENTRYPOINT":
			entry = words(i.rest)
		case "CMD":
			command = words(i.rest)
		case "HEALTHCHECK":
			_, check, _ := strings.Cut(i.rest, "CMD ")
			health = words(check)
		}
	}
	listen := freeAddress(t)
	c.env = append(c.env, "LATCHKEY_SECRET_KEY="+secretKey, "LATCHKEY_LISTEN="+listen) // in a network of its own it could keep the file's
	if out, err := c.command(health...).CombinedOutput(); err == nil || !strings.Contains(string(out), "the server does not answer") {
		t.Errorf("healthy before it began: %v\n%s", err, out)
	}
	p := start(t, c.command(append(entry, command...)...), "http://"+listen)
	p.ready()
	if out, err := c.command(health...).CombinedOutput(); err != nil || string(out) != "ready\n" {
		t.Errorf("%v\n%s", err, out)
	}
	p.call("POST", "/auth/users/", "", map[string]string{"username": "ann", "password": "Nw7!xyzzyQ"}, 201)
	p.terminate()
	if !strings.Contains(p.log.String(), `"msg":"serving"`) {
		t.Errorf("it said\n%s", p.log)
	}
}

// A container is a folder that programs see as the whole disk.
type container struct {
	t            *testing.T
	root, folder string
	env          []string
}

func (c *container) command(words ...string) *exec.Cmd {
	cmd := &exec.Cmd{Path: words[0], Args: words, Dir: c.folder, Env: c.env, SysProcAttr: &syscall.SysProcAttr{Chroot: c.root}}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65532, Gid: 65532}
	} else {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 65532, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 65532, HostID: os.Getgid(), Size: 1}}
	}
	return cmd
}

// TestProxies puts nginx and Caddy before the program, with the files of deploy/ and the settings that these name: mailed links begin as the client's address did, what a
// client says of its own address is not believed, and answers come as the program gave them.
func TestProxies(t *testing.T) {
	for _, proxy := range []struct {
		name, file string
		command    func(t *testing.T, text, folder, port, certificate, key string) *exec.Cmd
	}{{"nginx", "../deploy/nginx.conf", nginx}, {"caddy", "../deploy/Caddyfile", caddy}} {
		t.Run(proxy.name, func(t *testing.T) {
			text := string(readFile(t, proxy.file))
			_, settings, found := strings.Cut(text, "# In latchkey.yaml: ")
			settings, _, _ = strings.Cut(settings, ".\n")
			if !found {
				t.Fatal("the file names no settings")
			}
			folder := t.TempDir()
			config := "development: true\nmounts: [{path: /auth, dialect: djoser}]\nDOMAIN: app.example.com\nthrottle_rates: {register: 2/hour}\n" +
				regexp.MustCompile(`, ([A-Z])`).ReplaceAllString(settings, "\n$1") + "\n"
			if err := os.WriteFile(filepath.Join(folder, "latchkey.yaml"), []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			listen := freeAddress(t)
			p := launch(t, folder, listen, "--config", "latchkey.yaml")
			p.ready()

			certificate, key, trust := certify(t, folder, "app.example.com")
			_, port, _ := net.SplitHostPort(freeAddress(t))
			front := start(t, proxy.command(t, strings.ReplaceAll(text, documentedAddress, listen), folder, port, certificate, key), "https://app.example.com")
			client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{
				DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:"+port)
				},
				TLSClientConfig: &tls.Config{RootCAs: trust},
			}}
			ask := func(path, address string, body []byte) (status int, id, text string) {
				t.Helper()
				r, err := http.NewRequest("POST", "https://app.example.com"+path, bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				r.Header = http.Header{"Content-Type": {"application/json"}, "X-Forwarded-For": {address}, "X-Forwarded-Proto": {"http"}, "X-Request-Id": {"chosen-by-the-client"}}
				for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
					answer, err := client.Do(r)
					if err != nil && time.Now().Before(end) {
						r.Body, _ = r.GetBody()
						continue // it is not there yet
					}
					if err != nil {
						t.Fatalf("%v\n%s", err, front.log)
					}
					defer answer.Body.Close()
					data, err := io.ReadAll(answer.Body)
					if err != nil {
						t.Fatal(err)
					}
					return answer.StatusCode, answer.Header.Get("X-Request-Id"), string(data)
				}
			}
			for i, want := range []int{201, 201, 429} {
				name := fmt.Sprintf("ann%d", i)
				status, id, text := ask("/auth/users/", "192.0.2."+fmt.Sprint(i), fmt.Appendf(nil, `{"username":%q,"email":"%[1]s@example.com","password":"Nw7!xyzzyQ"}`, name))
				if status != want || !strings.HasPrefix(text, `{"`) {
					t.Errorf("%s: %d %s, want %d", name, status, text, want)
				}
				if id == "" || id == "chosen-by-the-client" || !p.logs(id) {
					t.Errorf("%s: the request id is %q", name, id)
				}
			}
			if status, _, text := ask("/auth/jwt/create/", "192.0.2.9", bytes.Repeat([]byte("x"), 5<<20)); status != 413 || !strings.Contains(text, `"detail"`) {
				t.Errorf("a large body: %d %s", status, text)
			}
			if !p.logs("\n    https://app.example.com/activate/") {
				t.Fatal("no mail leads to https://app.example.com/activate/")
			}
			if err := front.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			<-front.gone
		})
	}
}

// nginx is the command that serves a file for its folder of sites at a port.
func nginx(t *testing.T, text, folder, port, certificate, key string) *exec.Cmd {
	program := needs(t, "nginx")
	text = strings.NewReplacer("listen 443 ssl", "listen 127.0.0.1:"+port+" ssl", "/etc/ssl/app.example.com.pem", certificate, "/etc/ssl/app.example.com.key", key).Replace(text)
	var paths string
	for _, name := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		paths += name + "_temp_path " + filepath.Join(folder, name) + ";\n"
	}
	if os.Geteuid() == 0 {
		paths = "" // Debian's own folders; workers are another user, who may not enter the test's
	}
	whole := "daemon off; master_process off; error_log stderr; pid " + filepath.Join(folder, "nginx.pid") + ";\nevents {}\nhttp {\naccess_log off;\n" + paths + text + "}\n"
	path := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(path, []byte(whole), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "-t", "-c", path).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return exec.Command(program, "-c", path)
}

// caddy is the command that serves a Caddyfile at a port, with a certificate that it has not to ask for.
func caddy(t *testing.T, text, folder, port, certificate, key string) *exec.Cmd {
	program := needs(t, "caddy")
	text = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n" +
		strings.Replace(text, "app.example.com {", "app.example.com:"+port+" {\n\tbind 127.0.0.1\n\ttls "+certificate+" "+key, 1)
	path := filepath.Join(folder, "Caddyfile")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "run", "--config", path, "--adapter", "caddyfile")
	cmd.Env = append(os.Environ(), "HOME="+folder, "XDG_DATA_HOME="+folder, "XDG_CONFIG_HOME="+folder)
	return cmd
}

// certify makes a certificate for a name, and the pool that trusts it.
func certify(t *testing.T, folder, name string) (certificate, key string, trust *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(file, kind string, bytes []byte) string {
		path := filepath.Join(folder, file)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	trust = x509.NewCertPool()
	trust.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return write("certificate.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", pkcs8), trust
}
