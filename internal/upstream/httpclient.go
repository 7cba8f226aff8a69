package upstream

import (
	"context"
	"net"
	"net/http"
	"time"
)

// HTTPClient asks the engine for who needs net/http: over the same way and with
// the same trust as a Pool. base is what the paths of its URLs come behind. A
// request may take as long as timeout; 0 is no bound.
func (t Target) HTTPClient(timeout time.Duration) (base string, client *http.Client) {
	network, address := t.network()
	var dialer net.Dialer
	way := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
		TLSClientConfig: clientTLS(t),
		IdleConnTimeout: 4 * time.Second, // engines close theirs after 5,
	}
	return t.Scheme + "://" + t.Host() + t.Prefix, &http.Client{Transport: way, Timeout: timeout}
}
