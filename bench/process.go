package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A process is a running server, with its children.
type process struct {
	cmd     *exec.Cmd
	address string
	started time.Duration // from the start to its first answer
	gone    chan struct{}
	log     *os.File
}

// freeAddress is a loopback address on which nobody listens.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// launch starts a command whose arguments name the address, and waits until it answers the path with something that is not an error of the server. What it says
// goes to a file, as on a real machine.
func launch(ctx context.Context, log, probe string, command func(address string) *exec.Cmd) (*process, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	p := &process{cmd: command(address), address: address, gone: make(chan struct{})}
	if p.log, err = os.Create(log); err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
	start := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(err, p.log.Close())
	}
	go func() {
		_ = p.cmd.Wait() // stop asks it to end
		close(p.gone)
	}()
	for end := start.Add(time.Minute); time.Now().Before(end) && ctx.Err() == nil; time.Sleep(500 * time.Microsecond) {
		select {
		case <-p.gone:
			said, _ := os.ReadFile(log)
			return nil, errors.Join(fmt.Errorf("%s ended: %v\n%s", filepath.Base(p.cmd.Path), p.cmd.ProcessState, said), p.log.Close())
		default:
		}
		if answer, err := client.Get("http://" + address + probe); err == nil {
			p.started = time.Since(start)
			if err := answer.Body.Close(); err != nil || answer.StatusCode >= 500 {
				continue
			}
			return p, nil
		}
	}
	p.stop()
	return nil, fmt.Errorf("%s does not answer", filepath.Base(p.cmd.Path))
}

// stop asks the process to end, and ends it where it does not.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.gone:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.gone
	}
	_ = p.log.Close()
}

// family is a process and all that it started and they did.
func family(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		// every thread of a process names the children that it has started
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i])) // the pattern is well-formed
		for _, list := range lists {
			text, err := os.ReadFile(list)
			if err != nil {
				continue // the thread has ended
			}
			for _, field := range strings.Fields(string(text)) {
				if child, err := strconv.Atoi(field); err == nil {
					all = append(all, child)
				}
			}
		}
	}
	return all
}

// tick is the unit of times in /proc/PID/stat, on Linux a hundredth of a second whatever the kernel counts in.
const tick = 10 * time.Millisecond

// cpu is the processor time that a process and its children have used, those that have ended included.
func cpu(pid int) (time.Duration, error) {
	var sum time.Duration
	for i, member := range family(pid) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", member))
		if err != nil {
			if i > 0 {
				continue // a child that has ended counts for its parent
			}
			return 0, err
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // the name before may have spaces
		if len(fields) < 15 {
			return 0, fmt.Errorf("/proc/%d/stat: %s", member, text)
		}
		for _, field := range fields[11:15] { // utime, stime, and both of the children waited for
			ticks, err := strconv.ParseInt(field, 10, 64)
			if err != nil {
				return 0, err
			}
			sum += time.Duration(ticks) * tick
		}
	}
	return sum, nil
}

// memory is a value of /proc/PID/status in MiB, VmRSS or VmHWM, summed over a process and its children; pages that they share count for each.
func memory(pid int, key string) (float64, error) {
	var sum float64
	for _, member := range family(pid) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", member))
		if err != nil {
			return 0, err
		}
		_, after, _ := strings.Cut(string(text), "\n"+key+":")
		fields := strings.Fields(after)
		if len(fields) == 0 {
			return 0, fmt.Errorf("/proc/%d/status has no %s", member, key)
		}
		kib, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			return 0, err
		}
		sum += kib / 1024
	}
	return sum, nil
}
