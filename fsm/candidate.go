package fsm

import "slices"

// MaxRank is the first rank that is too high: ranks are below 2^52, so that rank
// and rank + 0.5 are exact as JSON numbers and as Redis scores.
const MaxRank = 1 << 52

// UnknownRank is the rank of a node of which only the id is known.
const UnknownRank = -1

// Candidate is one who may lead.
type Candidate struct {
	ID string `json:"id"`
	// Inc is the incarnation, "" for an original, which has none.
	Inc  string `json:"inc,omitempty"`
	Rank int64  `json:"rank"`
	// Original marks a node of the npm package.
	Original bool `json:"original,omitempty"`
}

// Outranks reports whether c goes before o: the higher rank does; between equal
// ranks one of ours goes before an original (on the wire ours is rank + 0.5), and
// among equals the bytewise greater id.
func (c Candidate) Outranks(o Candidate) bool {
	if c.Rank != o.Rank {
		return c.Rank > o.Rank
	}
	if c.Original != o.Original {
		return o.Original
	}
	return c.ID > o.ID
}

func hasID(cs []Candidate, id string) bool {
	return slices.ContainsFunc(cs, func(c Candidate) bool { return c.ID == id })
}

// Rendezvous is a rank for every pair of node and election, the same whoever
// computes it: a fleet that ranks by it spreads its leaderships evenly, and when a
// node leaves only its own elections move (highest random weight hashing, Thaler
// and Ravishankar 1996). The result is below MaxRank.
func Rendezvous(id, election string) int64 {
	h := uint64(14695981039346656037) // FNV-1a, then a finaliser for good high bits
	for _, s := range [...]string{id, "\x00", election} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
	}
	return int64(mix(h) >> 12) //nolint:gosec // 52 bits fit
}

// mix is the finaliser of splitmix64.
func mix(z uint64) uint64 {
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}
