package proxy

import (
	"context"

	"tokenomics/internal/upstream"
)

// link is a connection to the engine, for as long as it lasts.
type link struct {
	sock    *upstream.Socket
	port    *port
	unwatch func()
}

// opened makes the link of a connection that has just been made.
func (p *Proxy) opened(s *upstream.Socket) error {
	l := &link{sock: s, port: newPort(s.Raw(), p.cfg.WriteTimeout)}
	l.unwatch, l.port.watched, _ = p.watcher.watch(s.Raw(), l.port.left) // one that is closed fails when it is used
	s.Tag = l
	return nil
}

// closed forgets a connection that is over, whoever closed it.
func closed(s *upstream.Socket) {
	if l, ok := s.Tag.(*link); ok {
		l.unwatch()
	}
}

// dial is a link for one request: fresh, or one that has been idle.
func (p *Proxy) dial(ctx context.Context, fresh bool) (*link, error) {
	s, err := p.pool.Take(ctx, fresh)
	if err != nil {
		return nil, err
	}
	return s.Tag.(*link), nil
}

// settle gives the link back, where it can take another request.
func (l *link) settle(keep bool) {
	if keep && l.port.whole() {
		l.sock.Release()
		return
	}
	l.close()
}

func (l *link) close() { _ = l.sock.Close() } // nothing is lost with it
