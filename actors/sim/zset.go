package sim

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// zset is a sorted set: by score, and bytewise among equal scores, as Redis.
type zset struct {
	items []scored
	// index finds a member's score once there are many; small sets are searched.
	index map[string]float64
}

type scored struct {
	score  float64
	member string
}

// zsetIndexed is the size from which a zset keeps an index.
const zsetIndexed = 48

func compareScored(a, b scored) int {
	if c := cmp.Compare(a.score, b.score); c != 0 {
		return c
	}
	return cmp.Compare(a.member, b.member)
}

func (z *zset) clone() zset { return zset{slices.Clone(z.items), maps.Clone(z.index)} }

// score returns a member's score.
func (z *zset) score(member string) (float64, bool) {
	if z.index != nil {
		s, ok := z.index[member]
		return s, ok
	}
	for _, it := range z.items {
		if it.member == member {
			return it.score, true
		}
	}
	return 0, false
}

// rank returns a member's place from the lowest, -1 if it is not there.
func (z *zset) rank(member string) int {
	if z.index == nil {
		return slices.IndexFunc(z.items, func(it scored) bool { return it.member == member })
	}
	score, ok := z.index[member]
	if !ok {
		return -1
	}
	i, _ := slices.BinarySearchFunc(z.items, scored{score, member}, compareScored)
	return i
}

// add sets a member's score and reports whether the member is new.
func (z *zset) add(member string, score float64) bool {
	it := scored{score, member}
	was := z.rank(member)
	known := was >= 0
	i, _ := slices.BinarySearchFunc(z.items, it, compareScored)
	switch {
	case !known:
		z.items = slices.Insert(z.items, i, it)
	case i > was: // those between move down by one, and it goes behind them
		copy(z.items[was:], z.items[was+1:i])
		z.items[i-1] = it
	default:
		copy(z.items[i+1:was+1], z.items[i:was])
		z.items[i] = it
	}
	if z.index == nil && len(z.items) > zsetIndexed {
		z.index = make(map[string]float64, 2*len(z.items))
		for _, it := range z.items {
			z.index[it.member] = it.score
		}
	}
	if z.index != nil {
		z.index[member] = score
	}
	return !known
}

func (z *zset) remove(member string) bool {
	i := z.rank(member)
	if i < 0 {
		return false
	}
	z.items = slices.Delete(z.items, i, i+1)
	delete(z.index, member)
	return true
}

// dropLowest removes the n members of the lowest scores.
func (z *zset) dropLowest(n int) {
	for _, it := range z.items[:n] {
		delete(z.index, it.member)
	}
	z.items = slices.Delete(z.items, 0, n)
}

// above returns the members with a score above min.
func (z *zset) above(min float64) []scored {
	i, _ := slices.BinarySearchFunc(z.items, min, func(it scored, m float64) int {
		if it.score <= m {
			return -1
		}
		return 1
	})
	return z.items[i:]
}

// scoreText prints a score as Redis does: integers in full.
func scoreText(f float64) string {
	if math.IsInf(f, 0) {
		return strings.Trim(strings.ToLower(strconv.FormatFloat(f, 'g', -1, 64)), "+")
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.FormatInt(int64(f), 10)
	}
	return strconv.FormatFloat(f, 'g', 17, 64)
}
