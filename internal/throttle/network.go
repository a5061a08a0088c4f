package throttle

import "net/netip"

// Network is what a client is counted by: its IPv4 address, or the /64 of its IPv6 one, of which everybody has as many as they like. Other texts stay as they are.
func Network(address string) string {
	client, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	client = client.Unmap().WithZone("")
	if client.Is4() {
		return client.String()
	}
	network, _ := client.Prefix(64) // 64 bits always fit
	return network.String()
}
