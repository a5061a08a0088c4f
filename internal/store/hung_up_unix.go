//go:build unix

package store

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// hungUp tells whether the other side has ended an idle connection, or said why it is about to, without waiting for anything: PostgreSQL says nothing else unasked but that
// a setting has changed, after which a new connection does as well.
func hungUp(conn net.Conn) bool {
	if outer, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		conn = outer.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	var peeked error
	// Control and not Read, which would wait for a reader of the driver's that a slow write has left behind.
	if err := raw.Control(func(fd uintptr) {
		_, _, peeked = unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
	}); err != nil {
		return true
	}
	return peeked != unix.EAGAIN
}
