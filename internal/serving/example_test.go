package serving_test

import (
	"fmt"
	"net"

	"hourglass/internal/serving"
)

// A server on loopback knows who may call it, and by what names.
func ExampleHosts() {
	ours := serving.Hosts(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}, "workbench")
	for _, host := range []string{"127.0.0.1:8080", "localhost:8080", "workbench:8080", "192.168.0.7:8080", "stranger.example"} {
		fmt.Println(host, ours(host))
	}
	// Output:
	// 127.0.0.1:8080 true
	// localhost:8080 true
	// workbench:8080 true
	// 192.168.0.7:8080 false
	// stranger.example false
}
