package proxy

import (
	"bytes"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"tokenomics/internal/record"
)

// spoken is a request as it is cut up for FuzzPieces.
type spoken struct {
	text   string
	method string
	whole  bool   // the engine gets it
	tunnel string // what its client says after an upgrade
}

var spokenRequests = []spoken{
	{text: strings.Replace(withBody(jsonHead, streaming), "\r\n", "\r\nConnection: close\r\n", 1), method: "POST", whole: true},
	{text: jsonHead + "Connection: close\r\n" + chunked + "\r\n" + chunk(streaming[:9]) + chunk(streaming[9:]) + "0\r\nX-T: 1\r\n\r\n", method: "POST", whole: true},
	{text: postHead + "Connection: close\r\n" + chunked + "\r\n" + chunk("abc") + chunk("defg") + "0\r\n\r\n", method: "POST", whole: true},
	{text: "GET /x HTTP/1.0\r\n\r\n", method: "GET", whole: true},
	{text: "\r\nHEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", method: "HEAD", whole: true},
	{text: upgradeRequest, method: "GET", whole: true, tunnel: "early bytes and \r\n\r\n later ones"},
	{text: jsonHead + chunked + "\r\n" + chunk("{") + "zz\r\n", method: "POST"},
	{text: "GET /x HTTP/1.1\r\nHost : a\r\n\r\n", method: "GET"},
}

var spokenAnswers = []string{
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + chunked + "\r\n" + chunk("data: "+tokenEvent+"\n\n") + chunk("data: "+finishEvent+"\n\ndata: "+usageEvent+"\n\ndata: [DONE]\n\n") + "0\r\nX-T: 1\r\n\r\n",
	"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: " + tokenEvent + "\n\ndata: [DONE]\n\n",
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
	"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel",
	"HTTP/1.1 2x0 no\r\n\r\n",
}

func chunk(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }

// FuzzPieces: a request and its answer, cut anywhere, and an upgraded
// connection's bytes in any order, bring both sides the same bytes with either
// driver, and the same Record. What the engine says it says when it has the
// request: what comes before is decided by who is faster.
func FuzzPieces(f *testing.F) {
	if driver != LoopAuto {
		f.Skip("both drivers have been compared")
	}
	for i := range spokenRequests {
		for j := range spokenAnswers {
			f.Add(uint8(i), uint8(j), []byte{byte(7 * i), 200, 3, byte(40 * j), 90, 1})
		}
	}
	for at := range 24 { // every boundary of a short request
		f.Add(uint8(3), uint8(3), []byte{byte(at)})
	}
	type end struct {
		engine  *rawEngine
		proxies [2]*running
	}
	var ends [2]end
	for i, loop := range []Loop{LoopAuto, LoopOff} {
		ends[i].engine = listenRaw(f)
		for j, usage := range []Usage{UsageObserve, UsageFinal} {
			ends[i].proxies[j] = start(f, ends[i].engine.url, func(c *Config) { c.Loop, c.Usage = loop, usage })
			ends[i].proxies[j].knows(f)
		}
	}
	f.Fuzz(func(t *testing.T, request, answer uint8, cuts []byte) {
		if len(cuts) == 0 || len(cuts) > 64 {
			return
		}
		q := spokenRequests[int(request)%len(spokenRequests)]
		a := spokenAnswers[int(answer)%len(spokenAnswers)]
		if q.tunnel != "" {
			a = upgradeAnswer + "early down" + a
		}
		usage := int(cuts[0]) % 2
		if !q.whole {
			usage = 1 // it is read whole, and the engine hears nothing of it
		}
		var saw [2]exchanged
		for i, e := range ends {
			saw[i] = spokenThrough(t, e.proxies[usage], e.engine, q, a, cuts)
		}
		if !reflect.DeepEqual(saw[0], saw[1]) {
			t.Errorf("with the loop       %+v\nwith the goroutines %+v", saw[0], saw[1])
		}
	})
}

// exchanged is what either side got of an exchange, and its Record.
type exchanged struct {
	client, engine string
	rec            record.Record
}

// spokenThrough has one exchange through a proxy.
func spokenThrough(t *testing.T, p *running, e *rawEngine, q spoken, answer string, cuts []byte) (saw exchanged) {
	c := dialRaw(t, p.addr)
	defer c.Close()
	go inPieces(c, q.text+q.tunnel, cuts)
	got := make(chan string, 1)
	go func() {
		got <- strings.ReplaceAll(clientHears(c, q.method), e.addr, "ENGINE")
	}()
	if q.whole {
		saw.engine = engineSpeaks(t, e, q, answer, cuts)
	}
	select {
	case saw.client = <-got:
	case <-time.After(patience):
		t.Fatal("the client's connection does not end")
	}
	saw.rec = plainly(p.records.next(t))
	return saw
}

// clientHears reads to the end of the connection. Where chunks end is not told:
// that follows the reads, where something is taken out.
func clientHears(c *rawPeer, method string) string {
	var told []string
	for {
		m, err := c.answer(method)
		told = append(told, fmt.Sprintf("%s %q %q %q, whole %t", m.start, m.lines, m.body, m.trailers, err == nil))
		if err != nil || m.status() >= 200 || m.status() == 101 {
			break
		}
	}
	rest, err := io.ReadAll(c.br)
	return fmt.Sprintf("%s and %q, reset %t", told, rest, err != nil)
}

// engineSpeaks takes the request, and then says its answer and leaves.
func engineSpeaks(t *testing.T, e *rawEngine, q spoken, answer string, cuts []byte) (got string) {
	u := e.accept(t)
	defer u.Close()
	var raw bytes.Buffer
	u.br.Reset(io.TeeReader(io.MultiReader(bytes.NewReader(peeked(u)), u), &raw))
	m, err := u.head()
	if err != nil {
		t.Fatalf("the engine got %q and %v", raw.String(), err)
	}
	if q.tunnel == "" {
		if err := m.readBody(u.br, "none"); err != nil {
			t.Fatalf("the engine got %q and %v", raw.String(), err)
		}
		inPieces(u, answer, cuts)
		return strings.ReplaceAll(raw.String(), e.addr, "ENGINE")
	}
	said := make(chan struct{})
	go func() {
		defer close(said)
		inPieces(u, answer, cuts)
	}()
	b := make([]byte, len(q.tunnel))
	if _, err := io.ReadFull(u.br, b); err != nil {
		t.Fatalf("the engine got %q of the tunnel and %v", b, err)
	}
	await(t, said, "the answer to be written")
	return strings.ReplaceAll(raw.String(), e.addr, "ENGINE")
}

// peeked is what was read ahead of a connection.
func peeked(p *rawPeer) []byte {
	b, _ := p.br.Peek(p.br.Buffered()) // no more than is there
	return bytes.Clone(b)
}

// inPieces writes text in pieces whose lengths cuts says, over and over. An error
// means that the other side wants no more.
func inPieces(w io.Writer, text string, cuts []byte) {
	for i := 0; len(text) > 0; i++ {
		n := min(len(text), 1+int(cuts[i%len(cuts)]))
		if _, err := io.WriteString(w, text[:n]); err != nil {
			return
		}
		text = text[n:]
		if cuts[i%len(cuts)]&1 == 0 {
			time.Sleep(20 * time.Microsecond) // so that it is read by itself
		}
	}
}
