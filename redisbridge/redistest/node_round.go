package redistest

import (
	"strconv"

	"hustings/redisbridge"
)

// look is an item of a canvass.
type look struct {
	token, holder, holderBirth string
	remaining                  int64
	holderRank, appointed      string
	place                      int64
	evict                      string
	higher                     []rival
	others                     []other
	heir                       string
	heirLeft                   int64
}

type rival struct {
	id, rank, birth string
}

type other struct {
	id, details string
	numsub      int64
}

// survey is the reply of a canvass.
type survey struct {
	status, birth, epoch string
	number, left         int64
	items                []look
}

func (n *node) canvass(flags string, elections ...string) survey {
	n.f.T.Helper()
	args := n.head(n.details, millis(n.quarantine), strconv.Itoa(len(elections)))
	for _, e := range elections {
		args = append(args, e, n.rank, flags)
	}
	r := n.f.reply(redisbridge.CanvassScript, args...)
	s := survey{r.text(), r.text(), r.text(), r.number(), r.number(), nil}
	for items := r.list(); !items.done(); {
		i := items.list()
		if len(i.items) == 2 { // the rest would be empty
			s.items = append(s.items, look{token: i.text(), place: i.number(), remaining: -2})
			continue
		}
		l := look{
			token: i.text(), holder: i.text(), holderBirth: i.text(), remaining: i.number(),
			holderRank: i.text(), appointed: i.text(), place: i.number(),
		}
		for h := i.list(); !h.done(); {
			l.higher = append(l.higher, rival{h.text(), h.text(), h.text()})
		}
		for o := i.list(); !o.done(); {
			l.others = append(l.others, other{o.text(), o.text(), o.number()})
		}
		l.heir, l.heirLeft = i.text(), i.number()
		l.evict = i.text()
		i.end()
		s.items = append(s.items, l)
	}
	r.end()
	return s
}

// bid is what a claim carries.
type bid struct {
	beat
	birth, epoch string
	flags        string
	seen         string // the highest token seen in the election
}

// award is an item of a claim's reply.
type award struct {
	verdict, token, holder string
	remaining              int64
	birth, rank, appointed string
	evict                  string
	left                   int64
	heir                   string
}

// grants is the reply of a claim.
type grants struct {
	status, birth, epoch string
	number               int64
	floor                string
	left                 int64
	items                []award
}

func (n *node) claim(b bid, elections ...string) grants {
	n.f.T.Helper()
	args := n.head(or(b.info, "0"), or(b.newName, "first"), or(b.number, "0"), b.name, or(b.token, "0"),
		millis(n.quarantine), b.birth, or(b.epoch, "first"), strconv.Itoa(len(elections)))
	for _, e := range elections {
		args = append(args, e, or(b.seen, "0"), b.flags)
	}
	r := n.f.reply(redisbridge.ClaimScript, args...)
	g := grants{status: r.text()}
	if g.status == "outranked" { // of one, and nothing else was looked at
		r.end()
		g.items = []award{{verdict: "outranked"}}
		return g
	}
	g.birth, g.epoch, g.number, g.floor, g.left = r.text(), r.text(), r.number(), r.text(), r.number()
	for items := r.list(); !items.done(); {
		i := items.list()
		a := award{verdict: i.text()}
		switch a.verdict {
		case "granted":
			a.token, a.appointed = i.text(), i.text()
		case "held":
			a.holder, a.token, a.remaining = i.text(), i.text(), i.number()
			a.birth, a.rank, a.appointed, a.evict = i.text(), i.text(), i.text(), i.text()
		case "quarantine":
			a.left = i.number()
		case "kept":
			a.left, a.heir = i.number(), i.text()
		}
		i.end()
		g.items = append(g.items, a)
	}
	r.end()
	return g
}

// win claims one election in the present tenancy, which must be granted, and
// returns the token.
func (n *node) win(election string) string {
	n.f.T.Helper()
	p := n.beat(beat{})
	g := n.claim(bid{birth: p.birth, epoch: p.epoch}, election)
	if len(g.items) != 1 || g.items[0].verdict != "granted" {
		n.f.T.Fatalf("%s claims %s: %+v, want granted", n.id, election, g)
	}
	return g.items[0].token
}
