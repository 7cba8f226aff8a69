package otel

// family is the label sets of one kind of metric, with what is kept for each.
// It is bounded by itself, so that a flood of one label's values costs the
// metrics that have it and no others.
type family[K labelKey[K], V any] struct {
	max   int
	build func(K) V
	sets  map[K]V
}

// labelKey is what the labels of one family differ by.
type labelKey[K any] interface {
	comparable
	// coarser is the key with fewer values of clients and engines in it: at
	// level 0 itself, at 1 without the tenant, at coarsest with none.
	coarser(level int) K
}

// coarsest is the level at which only words of ours are left in a key. Those
// are few and need no bound.
const coarsest = 2

func newFamily[K labelKey[K], V any](most int, build func(K) V) family[K, V] {
	return family[K, V]{max: most, build: build, sets: make(map[K]V)}
}

// of is what is kept for k, made where k is new. When the family has max sets,
// half as many more may come without their tenants, and after that everything
// new is counted under "other": nothing is lost, and sums stay right.
func (f *family[K, V]) of(k K) (v V, capped bool) {
	for level := 0; ; level++ {
		key := k.coarser(level)
		v, ok := f.sets[key]
		if !ok {
			if level < coarsest && len(f.sets) >= f.max+level*f.max/2 {
				continue
			}
			v = f.build(key)
			f.sets[key] = v
		}
		return v, key != k
	}
}

// masked is a label's value where there is no room for it.
func masked(value string) string {
	if value == "" {
		return ""
	}
	return other
}
