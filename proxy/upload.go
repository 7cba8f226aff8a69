package proxy

import (
	"errors"
	"os"
	"time"

	"tokenomics/internal/record"
)

// startUpload sends the rest of the request on, or the client's side of a
// tunnel, while the engine may already answer.
func (c *client) startUpload() {
	c.upload = make(chan struct{})
	go c.uploads()
}

func (c *client) uploads() {
	defer close(c.upload)
	defer func() {
		if v := recover(); v != nil {
			c.failure(v)
		}
	}()
	if p := c.pending; len(p) > 0 {
		c.pending = nil
		if !c.toEngine(p) {
			return
		}
	}
	if !c.uploadBy() {
		return
	}
	err := c.port.pump(c.toEngine)
	c.mu.Lock()
	over := err == nil || c.x.Done()
	c.mu.Unlock()
	if !over {
		c.abort(record.ClientAbort, uploadFailure(err)) // in the middle of its request
	}
}

// uploadFailure says of a client that sends no more what is worth saying: that
// it has not left. That it has is its outcome.
func uploadFailure(err error) string {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "the client stopped sending its body"
	}
	return ""
}

// uploadBy gives the client its time for the next piece of a body; a tunnel may
// be silent for as long as it likes.
func (c *client) uploadBy() bool {
	c.mu.Lock() // endUpload's word is the last
	defer c.mu.Unlock()
	switch {
	case c.x.Done():
		return false
	case c.x.Tunnel():
		return c.port.readBy(time.Time{}) == nil
	}
	return c.readBy(c.proxy.cfg.BodyTimeout)
}

// toEngine takes what the client sends and passes it on at once.
func (c *client) toEngine(p []byte) (more bool) {
	now := time.Now()
	var (
		out    []byte
		engine *link
		done   bool
	)
	c.locked(func() {
		used := c.x.Client(now, p)
		c.pending = append(c.pending, p[used:]...)
		out, engine, done = c.x.ToEngine(), c.engine, c.x.Done()
	})
	if engine == nil {
		return false
	}
	if done {
		engine.port.hangUp() // the body was refused: whoever waits for an answer is to see it
		return false
	}
	if err := engine.port.write(out); err != nil {
		c.stoppedReading(engine)
		return false
	}
	c.locked(func() {
		c.flushed(time.Now())
		more = c.x.WantsClient()
	})
	return more && c.uploadBy()
}

// endUpload waits for the upload to end. It does not wait for the client to
// send or for the engine to read what an answer that came early did not wait
// for.
func (c *client) endUpload() {
	if c.upload == nil {
		return
	}
	c.mu.Lock()
	_ = c.port.readBy(past) // a closed connection is read no further anyway
	if c.engine != nil && !c.x.KeepEngine() {
		c.engine.port.hangUp()
	}
	c.mu.Unlock()
	<-c.upload
}
