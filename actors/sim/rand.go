package sim

import (
	"math/bits"
	"time"
)

// Rand is the only source of randomness in a world: splitmix64. It is our own
// because math/rand's sequences may change between Go releases, and then every
// seed that ever found a fault would be worth nothing. Not safe for concurrent use.
type Rand struct{ state uint64 }

// NewRand returns a source for the seed.
func NewRand(seed uint64) *Rand { return &Rand{state: seed} }

// Uint64 returns the next number.
func (r *Rand) Uint64() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Read fills p; it never fails. It makes a Rand an io.Reader for code that wants one.
func (r *Rand) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r.Uint64() >> 56)
	}
	return len(p), nil
}

// IntN returns a number in [0, n); 0 when n is not positive.
func (r *Rand) IntN(n int) int {
	if n <= 0 {
		return 0
	}
	hi, _ := bits.Mul64(r.Uint64(), uint64(n))
	return int(hi)
}

// Float64 returns a number in [0, 1).
func (r *Rand) Float64() float64 { return float64(r.Uint64()>>11) / (1 << 53) }

// Chance reports true with probability p.
func (r *Rand) Chance(p float64) bool { return p > 0 && r.Float64() < p }

// Duration returns a time in [low, high]; low when the range is empty.
func (r *Rand) Duration(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(r.IntN(int(high-low)+1))
}

// Fork returns a source of its own, so that what one part of the world draws
// does not shift what another part draws.
func (r *Rand) Fork() *Rand { return &Rand{state: r.Uint64()} }
