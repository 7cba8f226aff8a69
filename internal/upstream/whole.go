package upstream

import (
	"context"
	"errors"
	"time"

	"github.com/valyala/fasthttp"
)

// Whole is an answer that is short enough to be kept.
type Whole struct {
	Status int
	Body   []byte

	server, simulated string // its fields Server and X-Simulated-By
}

// Fetch is Do for who wants the answer as a whole. Of a body longer than limit
// it has the first limit bytes.
func (c *Conn) Fetch(ctx context.Context, req *fasthttp.Request, limit int) (Whole, error) {
	k := keeper{limit: limit}
	if _, err := c.Do(ctx, req, &k); err != nil && err != errEnough {
		return Whole{}, err
	}
	return k.Whole, nil
}

// keeper is a Receiver that keeps the answer.
type keeper struct {
	Whole
	limit int // of its body
}

var errEnough = errors.New("there is more of the answer than is wanted")

func (k *keeper) Sent(time.Time) {}

func (k *keeper) Head(_ time.Time, h *Head) {
	k.Status = h.Status
	k.server, k.simulated = string(h.Fields.Get("server")), string(h.Fields.Get("x-simulated-by"))
}

func (k *keeper) Body(_ time.Time, piece []byte) error {
	room := k.limit - len(k.Whole.Body)
	if k.Whole.Body = append(k.Whole.Body, piece[:min(room, len(piece))]...); len(piece) > room {
		return errEnough
	}
	return nil
}

var _ Receiver = (*keeper)(nil)
