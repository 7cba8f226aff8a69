package sim

import (
	"container/list"
	"sync"
)

// prefixCache remembers which prompt prefixes have been computed, in blocks of
// tokens, least recently used out first. A prompt's cache salt is the root of
// its chain of blocks, so prompts under different salts share nothing.
type prefixCache struct {
	block int
	limit int // blocks; 0 is no cache

	mu    sync.Mutex // protects what follows
	known map[uint64]*list.Element
	order list.List // of uint64, newest first
}

func newPrefixCache(tokens, block int) *prefixCache {
	return &prefixCache{block: block, limit: max(tokens, 0) / block, known: make(map[uint64]*list.Element)}
}

// lookup returns how many tokens at the start of the prompt are cached. At least
// the last token is always computed anew, since its logits are wanted.
func (p *prefixCache) lookup(salt string, ids []uint64) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	h, n := hashString(salt), 0
	for n+p.block < len(ids) {
		h = p.next(h, ids[n:n+p.block])
		e, ok := p.known[h]
		if !ok {
			break
		}
		p.order.MoveToFront(e)
		n += p.block
	}
	return n
}

// store remembers all whole blocks of the prompt.
func (p *prefixCache) store(salt string, ids []uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := hashString(salt)
	for n := 0; n+p.block <= len(ids) && p.limit > 0; n += p.block {
		h = p.next(h, ids[n:n+p.block])
		if e, ok := p.known[h]; ok {
			p.order.MoveToFront(e)
			continue
		}
		p.known[h] = p.order.PushFront(h)
		if p.order.Len() > p.limit {
			delete(p.known, p.order.Remove(p.order.Back()).(uint64))
		}
	}
}

func (p *prefixCache) next(h uint64, block []uint64) uint64 {
	for _, id := range block {
		h = chain(h, id)
	}
	return h
}

// clear forgets everything.
func (p *prefixCache) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.known)
	p.order.Init()
}
