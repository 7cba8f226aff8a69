package loadgen

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tidwall/sjson"
	"github.com/valyala/fasthttp"

	"tokenomics/internal/netloop"
	"tokenomics/internal/record"
	"tokenomics/internal/upstream"
	"tokenomics/internal/wire"
)

// ClientConfig says where requests go and what is kept of the answers.
type ClientConfig struct {
	Target   upstream.Target // the API base, its path included
	APIKey   string          // sent as a bearer token; "" sends none
	Provider string          // whose engine it is, for the Records; "" when not known
	// Timeout bounds a request from the moment it is due to the end of its
	// answer. 0 means no bound.
	Timeout   time.Duration
	Timeline  bool         // keep every token event in the Record
	Live      *record.Live // told of tokens as they stream; nil is fine
	UserAgent string       // "" means "tokenomics"
	Headers   []Header     // sent with every request, in place of ours of the same name
	// Loop says who reads the answers: readiness loops, or a goroutine for each;
	// "" means netloop.Auto.
	Loop netloop.Mode
	// Loops is how many readiness loops there are; 0 means one.
	Loops int
	// Connections is how many unused ones are kept: the largest batch. 0 means
	// upstream's own default.
	Connections int
}

// Header is one line of a request's head.
type Header struct{ Name, Value string }

// Client sends requests and measures the answers. It is safe for use by many
// goroutines.
type Client struct {
	cfg     ClientConfig
	pool    *upstream.Pool
	readers []*upstream.Reader // none where goroutines read
	secrets []string           // that are in no Record

	refused atomic.Bool // the server takes no stream_options
}

// NewClient makes a client without a connection yet. Close it.
func NewClient(cfg ClientConfig) (*Client, error) {
	if cfg.UserAgent == "" {
		cfg.UserAgent = "tokenomics"
	}
	loops, err := cfg.Loop.Open(max(1, cfg.Loops), cfg.Target.Scheme == "https")
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, secrets: secretsOf(cfg)}
	for _, l := range loops {
		c.readers = append(c.readers, upstream.NewReader(l))
	}
	c.pool = upstream.NewPool(cfg.Target, upstream.Options{MaxIdle: cfg.Connections, Readers: c.readers})
	return c, nil
}

// secretsOf are the keys that requests carry.
func secretsOf(cfg ClientConfig) (keys []string) {
	if cfg.APIKey != "" {
		keys = append(keys, cfg.APIKey)
	}
	for _, h := range cfg.Headers {
		words := strings.Fields(h.Value) // a key may follow its scheme: "Bearer KEY"
		secret := slices.Contains([]string{"authorization", "proxy-authorization", "x-api-key", "api-key", "cookie"}, strings.ToLower(h.Name))
		if secret && len(words) > 0 {
			keys = append(keys, words[len(words)-1])
		}
	}
	return keys
}

// Connect sees to it that n connections are open and unused, so that the next
// requests need not wait for them.
func (c *Client) Connect(ctx context.Context, n int) error { return c.pool.Warm(ctx, n) }

// Close closes the connections, when no request is on any of them.
func (c *Client) Close() {
	c.pool.Close()
	for _, r := range c.readers {
		_ = r.Close() // nothing is lost with it
	}
}

// UsageRefused says whether the server has refused to be asked for usage; token
// counts then come from what it tells unasked, or are estimates.
func (c *Client) UsageRefused() bool { return c.refused.Load() }

// prepare does everything that can be done before a request is due: the
// message is built and its connection open. What fails is told by do.
func (c *Client) prepare(ctx context.Context, req Request, id string) *exchange {
	x := &exchange{client: c, req: req, id: id}
	if x.err = x.build(); x.err == nil {
		x.take(ctx)
	}
	return x
}

// message is req as it goes out, without stream_options once they were refused.
func (c *Client) message(req Request, id string) (*fasthttp.Request, error) {
	body := req.Body
	if c.refused.Load() {
		var err error
		if body, err = withoutStreamOptions(body); err != nil {
			return nil, err
		}
	}
	m := new(fasthttp.Request)
	m.Header.SetMethod("POST")
	m.Header.SetHost(c.cfg.Target.Host())
	m.Header.SetRequestURI(c.path(req))
	m.Header.SetContentType("application/json")
	m.Header.SetUserAgent(c.cfg.UserAgent)
	m.Header.Set("X-Request-Id", id)
	if req.Stream {
		m.Header.Set("Accept", "text/event-stream")
	}
	if c.cfg.APIKey != "" {
		m.Header.Set("Authorization", "Bearer "+c.cfg.APIKey)
	}
	for _, h := range c.cfg.Headers {
		m.Header.Set(h.Name, h.Value)
	}
	m.SetBodyRaw(body)
	return m, nil
}

func withoutStreamOptions(body []byte) ([]byte, error) {
	out, err := sjson.DeleteBytes(body, "stream_options")
	if err != nil {
		return nil, fmt.Errorf("taking stream_options out of the request: %w", err)
	}
	return out, nil
}

// path is where a request is posted to.
func (c *Client) path(req Request) string {
	if req.Root {
		return c.cfg.Target.Root().Prefix + req.Path
	}
	return c.cfg.Target.Prefix + req.Path
}

// query is what the Observer needs to know of a request.
func (c *Client) query(req Request, body []byte) wire.Query {
	// The path is not always the one that the endpoint is known by: an API
	// base need not end in /v1.
	known := req.Path
	if !req.Root {
		known = "/v1" + known
	}
	q := wire.ReadQuery("POST", known, body)
	q.Path = c.path(req)
	return q
}

// requestID numbers a run's requests.
func requestID(run string, i int) string { return fmt.Sprintf("%s-%04d", run, i) }

// PointOf is the point that a sweep sent a request for: what the sweep, point
// and run made its id of. Not ok for ids of others, and for the warm-up.
func PointOf(sweep, id string) (point string, ok bool) {
	rest, ours := strings.CutPrefix(id, sweep+"-")
	parts := strings.Split(rest, "-")
	if n := len(parts); ours && n >= 3 && parts[n-2] != "0" {
		return strings.Join(parts[:n-2], "-"), true
	}
	return "", false
}

// nextID is the id of the request that follows another in a conversation.
func nextID(id string) string {
	first, turn, found := strings.Cut(id, "+")
	n, err := strconv.Atoi(turn)
	if !found || err != nil {
		n = 0
	}
	return first + "+" + strconv.Itoa(n+1)
}
