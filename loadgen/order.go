package loadgen

import "math/rand/v2"

// Order is a permutation of a dataset's rows, the same for the same seed and
// length everywhere.
type Order struct{ rows []int }

// NewOrder is the order of n rows (at least 1) under a seed.
func NewOrder(seed uint64, n int) Order {
	// The second word only keeps this stream apart from others of the same seed.
	return Order{rand.New(rand.NewPCG(seed, 0x6f72646572)).Perm(n)}
}

// Row is the row of request number i. Beyond the end of the dataset, and below
// 0, it goes around.
func (o Order) Row(i int) int {
	n := len(o.rows)
	return o.rows[((i%n)+n)%n]
}

// firstOfBatch is where batches of a size start in the Order: size 1 takes the
// first row, size 2 the next two, size 3 the next three. So a batch size has
// the same prompts in whatever sweep it is part of, and shares none with
// another size as long as the dataset has enough: what one batch left in the
// engine's prefix cache does not answer for the next.
func firstOfBatch(size int) int { return size * (size - 1) / 2 }
