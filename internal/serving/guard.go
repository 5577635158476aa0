package serving

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Hosts says by what names a server that listens at an address may be called.
// A page of a stranger can make its own name mean this machine (DNS rebinding),
// but not an IP address nor localhost. At a loopback address only such ones are
// right, elsewhere any IP address is. Further names are those given.
func Hosts(address net.Addr, names ...string) func(host string) bool {
	listening, err := netip.ParseAddrPort(address.String())
	loopback := err == nil && listening.Addr().IsLoopback()
	return func(host string) bool {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		host = strings.ToLower(strings.Trim(host, "[]"))
		if ip, err := netip.ParseAddr(host); err == nil {
			return !loopback || ip.IsLoopback()
		}
		return host == "localhost" || slices.Contains(names, host)
	}
}

// Guard refuses requests for hosts that are not ours, nil allowing all, and
// those that a page of another origin makes, which browsers tell by the header
// Origin. No answer allows another origin to read it.
func Guard(hosts func(string) bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		w.Header().Set("Referrer-Policy", "no-referrer")
		w.Header().Set("Cache-Control", "no-store")
		if hosts != nil && !hosts(r.Host) {
			Fail(w, Refuse(http.StatusMisdirectedRequest, "the host %.100q is not this server's; call it by its address, or name the host with --host", r.Host))
			return
		}
		if origins := r.Header.Values("Origin"); len(origins) > 0 {
			origin, err := url.Parse(origins[0])
			if len(origins) > 1 || err != nil || origin.Host != r.Host || origin.Scheme != "http" && origin.Scheme != "https" {
				Fail(w, Refuse(http.StatusForbidden, "the page that asks is of another origin, %.100q; only this server's own pages may", origins[0]))
				return
			}
		}
		if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
			Fail(w, Refuse(http.StatusForbidden, "the page that asks is of another site; only this server's own pages may"))
			return
		}
		next.ServeHTTP(w, r)
	})
}
