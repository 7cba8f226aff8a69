package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// exchange is one request and its answer as they crossed the socket.
type exchange struct {
	at       time.Time // wall clock at the request's first byte
	request  []byte
	response []byte
	reads    []read
	status   int
	body     []byte // response body with the transfer coding undone
}

// read is one return of the socket's Read.
type read struct {
	offset time.Duration // since the request's first byte was written
	bytes  int
}

// record sends the case's request on a connection of its own and reads until the
// response is whole by its own framing, so the engine sees a keep-alive client.
func record(ctx context.Context, host string, s scenario, timeout time.Duration) (*exchange, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()

	x := &exchange{request: s.bytes(), at: time.Now()}
	if _, err := conn.Write(x.request); err != nil {
		return nil, fmt.Errorf("sending: %w", err)
	}
	other := &companion{ask: func() error {
		_, err := record(ctx, host, *s.during, timeout)
		return err
	}}
	t := &tap{conn: conn, x: x}
	if s.during != nil {
		t.begun = other.start
	}
	resp, err := http.ReadResponse(bufio.NewReaderSize(t, 64<<10), &http.Request{Method: s.method})
	if err != nil {
		return nil, fmt.Errorf("reading the head: %w", err)
	}
	defer resp.Body.Close()
	if x.body, err = io.ReadAll(resp.Body); err != nil {
		return nil, fmt.Errorf("reading the body: %w", err)
	}
	if s.during != nil {
		if err := other.wait(); err != nil {
			return nil, fmt.Errorf("asking meanwhile: %w", err)
		}
	}
	x.status = resp.StatusCode
	return x, nil
}

// companion is the request that is asked while another is answered.
type companion struct {
	ask  func() error
	done chan error // nil until it is asked
}

func (c *companion) start() {
	c.done = make(chan error, 1)
	go func() { c.done <- c.ask() }()
}

func (c *companion) wait() error {
	if c.done == nil {
		return errors.New("the answer was over before it had begun")
	}
	return <-c.done
}

// begun is the number of reads by which a stream has brought its head, what
// comes before the first token, and the first tokens.
const begun = 4

// tap is the connection's read side; it writes down every read.
type tap struct {
	conn  net.Conn
	x     *exchange
	begun func() // called once the answer has begun; may be nil
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.conn.Read(p)
	if n > 0 {
		t.x.reads = append(t.x.reads, read{time.Since(t.x.at), n})
		t.x.response = append(t.x.response, p[:n]...)
		if t.begun != nil && len(t.x.reads) == begun {
			t.begun()
		}
	}
	return n, err
}

// check holds the answer to what the case says must be in it.
func (x *exchange) check(s scenario) error {
	for _, want := range s.want {
		if !bytes.Contains(x.body, []byte(want)) {
			return fmt.Errorf("the body lacks %q: %.2000s", want, x.body)
		}
	}
	for _, not := range s.wantNot {
		if bytes.Contains(x.body, []byte(not)) {
			return fmt.Errorf("the body has %q: %.2000s", not, x.body)
		}
	}
	return nil
}

// archive renders the exchange as txtar.
func (x *exchange) archive(c config, s scenario) ([]byte, error) {
	var b bytes.Buffer
	engine, _, _ := strings.Cut(c.cases, "-") // vllm-forced is vllm started otherwise
	fmt.Fprintf(&b, "-- about --\nengine: %s\nversion: %s\ndate: %s\ncommand: %s\ncase: %s\nnote: %s\nrequest_bytes: %d\nresponse_bytes: %d\n",
		engine, c.version, x.at.UTC().Format(time.RFC3339), c.command, s.name, s.note, len(x.request), len(x.response))
	if strings.Count(b.String(), "\n") != 9 {
		return nil, errors.New("a value of about has a newline in it")
	}
	for _, part := range []struct {
		name string
		data []byte
	}{{"request", x.request}, {"response", x.response}} {
		if bytes.HasPrefix(part.data, []byte("-- ")) || bytes.Contains(part.data, []byte("\n-- ")) {
			return nil, fmt.Errorf("a line of the %s begins with \"-- \", which txtar would take for a file marker", part.name)
		}
		fmt.Fprintf(&b, "-- %s --\n%s\n", part.name, part.data)
	}
	b.WriteString("-- reads --\n")
	for _, r := range x.reads {
		fmt.Fprintf(&b, "%d %d\n", r.offset.Nanoseconds(), r.bytes)
	}
	return b.Bytes(), nil
}
